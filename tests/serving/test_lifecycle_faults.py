"""What goes wrong with one version changes nothing for what serves."""

import itertools
import threading
from typing import Any

import pytest

from contract.files import sha256
from contract.spec import ModelSpec, dump
from engine.errors import GraphError
from serving.daemon import assemble
from serving.repository import Scan, scan
from tests.serving.fake_engine import FakeEngine, FakeReader
from tests.serving.rig import Clock, Service, Shop, eventually, settings

BAD = {
    "a graph that can never work": {"bad": True},
    "a misread golden picture": {"golden": "otherwise"},
}


@pytest.mark.parametrize("how", BAD.values(), ids=BAD.keys())
def test_a_bad_upgrade_changes_nothing_and_is_tried_once(
    service: Service, shop: Shop, engine: FakeEngine, how: dict[str, object]
) -> None:
    shop.publish(version="1.0")
    service.step()
    shop.publish(version="2.0", **how)
    service.step(100)
    assert service.ask().version == "1.0"
    assert service.plane.ready()
    assert service.states() == {"digits 1.0": "active", "digits 2.0": "rejected"}
    assert engine.loads == ["digits1.0", "digits2.0"]


def test_a_rejected_version_gives_its_reason(service: Service, shop: Shop) -> None:
    shop.publish(golden="otherwise")
    service.step()
    assert "picture 1 reads 'digits1.0-7' instead of 'otherwise'" in service.reason("digits 1.0")


def test_a_mended_file_is_tried_again(service: Service, shop: Shop) -> None:
    shop.publish(version="2.0", bad=True)
    service.step()
    shop.publish(version="2.0", word="mended")
    service.step()
    assert service.ask().text == "mended-1"


def test_a_failed_load_is_retried_after_growing_pauses(service: Service, shop: Shop, engine: FakeEngine) -> None:
    engine.troubles = 4
    shop.publish()
    moments = []
    for _ in range(40):
        before = len(engine.loads)
        service.step(1)
        moments += [service.clock.now] * (len(engine.loads) - before)
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses == [1, 2, 4, 8]
    assert service.states() == {"digits 1.0": "active"}


def test_a_model_that_gets_no_threads_is_closed_and_tried_again_later_and_others_go_on(
    service: Service, shop: Shop, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def scarce(thread: threading.Thread) -> None:
        if thread.name.startswith("a "):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    shop.publish("a", size=(10, 4))
    shop.publish("b")
    service.step(5)
    assert service.states() == {"a 1.0": "failed", "b 1.0": "active"}
    assert engine.loads == ["a1.0", "b1.0", "a1.0", "a1.0"]  # at once, after 1 s and after 2 s
    assert all(reader.closed for reader in engine.readers if reader.word == "a1.0")
    monkeypatch.undo()
    service.step(10)
    assert service.states() == {"a 1.0": "active", "b 1.0": "active"}


def test_a_session_that_cannot_be_closed_ends_nothing(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(reader: FakeReader) -> None:
        reader.closed = True
        raise RuntimeError("no good")

    shop.publish()
    service.step()
    monkeypatch.setattr(FakeReader, "close", broken)
    shop.publish(version="1.1")
    service.step()
    assert service.states() == {"digits 1.1": "active"}
    assert "digits 1.0 could not be closed" in caplog.text
    monkeypatch.undo()


def test_a_model_that_fails_does_not_keep_others_waiting(service: Service, shop: Shop, engine: FakeEngine) -> None:
    engine.troubles = 2
    shop.publish("a-first", size=(10, 4))
    service.step(3)
    assert service.states()["a-first 1.0"] == "failed"
    shop.publish("b-second")
    service.step(2)  # both are due at the same moment: the new one first
    assert engine.loads == ["a-first1.0", "a-first1.0", "b-second1.0", "a-first1.0"]
    assert service.states() == {"a-first 1.0": "active", "b-second 1.0": "active"}


class Trial:
    """Refuses models whose graph says so, as one that crashes would be."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, int, bool]] = []
        self.closed = False

    def __call__(self, spec: ModelSpec, graph: bytes, max_batch: int, /, *, yielding: bool) -> None:
        self.tried.append((spec.Model.Version, max_batch, yielding))
        if b"crash" in graph:
            raise GraphError("tensorflow crashed over it")

    def cancel(self, spec: ModelSpec, /) -> None:
        raise AssertionError(f"{spec.Graph.File} was not long on trial")

    def close(self) -> None:
        self.closed = True


def test_what_fails_its_trial_is_never_loaded(shop: Shop, engine: FakeEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    trial, clock = Trial(), Clock()
    plane, lifecycle = assemble(settings(shop), engine, clock, try_model=trial)

    def states_after_a_step() -> set[tuple[str, str]]:
        clock.now += 1
        lifecycle.step()
        return {(status.version, status.state) for status in plane.models()}

    shop.publish(version="1.0", word="good")
    eventually(lambda: states_after_a_step() == {("1.0", "active")})
    shop.publish(version="2.0", word="crash")
    eventually(lambda: states_after_a_step() == {("1.0", "active"), ("2.0", "rejected")})
    ways = [line.split(": ")[1].split()[0] for line in caplog.messages if "digits 1.0: " in line]
    assert ways == ["settling", "discovered", "validating", "loading", "warming", "standby", "active"]
    assert trial.tried == [("1.0", 16, False), ("2.0", 16, True)]  # the second steps back: the first serves
    assert engine.loads == ["good"]
    assert engine.reader("good").batches == [1]  # golden; the largest has been tried where it holds nobody up
    lifecycle.stop(5)
    assert trial.closed


def test_an_unreadable_folder_keeps_everything(service: Service, shop: Shop) -> None:
    shop.publish()
    service.step()
    for folder in [shop.model, shop.graph]:
        folder.rename(f"{folder}.away")
        service.step(10)
        assert service.ask().version == "1.0"
        assert str(folder) in service.lifecycle.degraded[0]
        folder.with_name(f"{folder.name}.away").rename(folder)
        service.step()
        assert service.lifecycle.degraded == ()


def test_a_graph_that_comes_after_its_yaml_is_waited_for(service: Service, shop: Shop) -> None:
    spec, graph = shop.build()
    (shop.model / "digits.yaml").write_bytes(dump(spec))
    service.step()
    assert service.states() == {"digits 1.0": "waiting-for-graph"}
    (shop.graph / "digits.pb").write_bytes(graph)
    service.step()
    assert service.states() == {"digits 1.0": "active"}


def test_a_graph_that_changes_while_it_is_loaded_is_not_loaded(
    service: Service, shop: Shop, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scan_and_meddle(*arguments: Any) -> Scan:
        seen = scan(*arguments)
        (shop.graph / "digits.pb").write_bytes(b"other")
        return seen

    shop.publish()
    service.step(1)
    monkeypatch.setattr("serving.lifecycle.scan", scan_and_meddle)
    service.step(1)
    monkeypatch.undo()
    assert (engine.loads, service.states()) == ([], {"digits 1.0": "failed"})
    service.step()
    assert service.states() == {"digits 1.0": "rejected"}
    assert sha256(b"other")[:12] in service.reason("digits 1.0")
