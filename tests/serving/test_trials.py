"""Trials go on beside the loader: whatever a version does in its trial, other models get theirs."""

import json
import threading
from collections.abc import Iterator

import pytest

from contract.spec import ModelSpec
from engine.errors import EngineError
from serving.answer import Hints
from serving.daemon import assemble
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Clock, Shop, eventually, picture, settings

SIZES = {name: (8 + number, 4) for number, name in enumerate(["a", "b", "c", "d", "e"])}


class Hanging:
    """Hangs over models whose graph says so, until the trial is cancelled or the end comes."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.stepped_back: list[bool] = []
        self.most = 0
        self._lock = threading.Lock()
        self._under_way: dict[str, threading.Event] = {}

    def __call__(self, _spec: ModelSpec, graph: bytes, _max_batch: int, /, *, yielding: bool) -> None:
        self.stepped_back.append(yielding)
        orders, given_up = json.loads(graph), threading.Event()
        with self._lock:
            self._under_way[orders["word"]] = given_up
            self.tried.append(orders["word"])
            self.most = max(self.most, len(self._under_way))
        try:
            if orders.get("hangs") and given_up.wait(30):
                raise EngineError("given up")
        finally:
            with self._lock:
                del self._under_way[orders["word"]]

    def cancel(self, spec: ModelSpec, /) -> None:
        for event in self._words(spec.Model.ModelName):
            event.set()

    def close(self) -> None:
        for event in self._words(""):
            event.set()

    def _words(self, name: str) -> list[threading.Event]:
        with self._lock:
            return [event for word, event in self._under_way.items() if word.startswith(name)]

    def hangs(self) -> int:
        return len(self._under_way)


class Bench:
    """The service with a trial that can hang; moves when it is asked for its states."""

    def __init__(self, shop: Shop, engine: FakeEngine) -> None:
        self.shop = shop
        self.clock = Clock()
        self.trial = Hanging()
        self.plane, self.lifecycle = assemble(settings(shop), engine, self.clock, try_model=self.trial)

    def publish(self, name: str, version: str = "1.0", **orders: object) -> None:
        self.shop.publish(name, version, size=SIZES[name], **orders)

    def state(self, title: str, seconds: float = 0.3) -> str:
        self.clock.now += seconds
        self.lifecycle.step()
        return next((one.state for one in self.plane.models() if f"{one.name} {one.version}" == title), "")

    def wait_for(self, title: str, state: str) -> None:
        eventually(lambda: self.state(title) == state)


@pytest.fixture
def bench(shop: Shop, engine: FakeEngine) -> Iterator[Bench]:
    made = Bench(shop, engine)
    yield made
    made.lifecycle.stop(5)


def test_a_version_that_hangs_in_its_trial_keeps_no_other_model_waiting(bench: Bench) -> None:
    bench.publish("a")
    bench.wait_for("a 1.0", "active")
    bench.publish("a", "2.0", hangs=True)
    bench.wait_for("a 2.0", "validating")
    assert bench.trial.stepped_back == [False, True]  # there is somebody to step back for
    for name, version in [("b", "1.0"), ("c", "1.0"), ("b", "2.0")]:
        bench.publish(name, version)
        bench.wait_for(f"{name} {version}", "active")
    assert bench.trial.hangs() == 1
    (answer,) = bench.plane.recognize([picture(3)], Hints(name="a"))
    assert answer.version == "1.0"
    assert bench.plane.ready()


def test_each_trial_is_of_another_model_and_there_are_never_too_many(bench: Bench) -> None:
    for name in ["a", "b", "c", "d"]:
        bench.publish(name, hangs=True)
    bench.publish("e")
    for _ in range(8):
        bench.state("e 1.0")
    assert bench.trial.hangs() == bench.trial.most == 3
    assert bench.trial.tried == ["a1.0", "b1.0", "c1.0"]


def test_a_mended_file_is_tried_although_what_it_replaced_hangs(bench: Bench) -> None:
    bench.publish("a", "1.0", hangs=True)
    bench.wait_for("a 1.0", "validating")
    bench.publish("a", "1.1")
    for _ in range(4):
        assert bench.state("a 1.1") == ""  # the one on trial holds its place: most are over in a moment
    bench.clock.now += 10
    bench.wait_for("a 1.1", "active")
    assert bench.trial.tried == ["a1.0", "a1.1"]
    assert bench.trial.hangs() == 0


def test_a_removed_version_is_not_loaded_after_its_trial(bench: Bench, engine: FakeEngine) -> None:
    bench.publish("a", hangs=True)
    bench.wait_for("a 1.0", "validating")
    bench.shop.remove("a")
    for _ in range(3):
        bench.state("a 1.0")
    bench.clock.now += 10
    bench.state("a 1.0")
    eventually(lambda: bench.trial.hangs() == 0)
    assert bench.state("a 1.0") == ""
    assert engine.loads == []


def test_the_first_trials_hold_readiness_back_for_a_while_only(bench: Bench) -> None:
    bench.publish("a")
    bench.publish("b", hangs=True)
    bench.wait_for("a 1.0", "active")
    assert not bench.plane.ready()
    bench.clock.now += 10
    bench.state("a 1.0")
    assert bench.plane.ready()


def test_a_version_is_tried_later_if_the_system_has_no_thread_now(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    for name in ["a", "b", "c"]:  # as many as there may be on trial
        bench.publish(name)
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        bench.state("a 1.0")
        bench.state("a 1.0")
    assert bench.trial.tried == []
    for name in ["a", "b", "c"]:
        bench.wait_for(f"{name} 1.0", "active")


def test_new_versions_come_through_although_they_follow_each_other_faster_than_trials(bench: Bench) -> None:
    seen = set()
    for number in range(12):
        bench.publish("a", f"1.{number}")
        for _ in range(3):
            bench.state("a")
        seen |= {one.version for one in bench.plane.models() if one.state == "active"}
    bench.wait_for("a 1.11", "active")
    assert len(seen) > 4
