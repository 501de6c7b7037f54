import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine import LATENCY, THROUGHPUT, Threads
from serving.daemon import assemble
from serving.errors import NotReadyError, UnknownModelError
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually, settings


def test_a_complete_model_is_loaded_warmed_and_served(service: Service, shop: Shop, engine: FakeEngine) -> None:
    shop.publish()
    service.step()
    answer = service.ask(gray=9)
    assert (answer.text, answer.model, answer.version) == ("digits1.0-9", "digits", "1.0")
    assert service.states() == {"digits 1.0": "active"}
    assert service.plane.ready()
    assert engine.reader("digits1.0").batches == [16, 1, 1]  # the largest; golden, which is the smallest; asked


def test_nothing_is_ready_without_a_model(service: Service) -> None:
    service.step()
    assert not service.plane.ready()
    with pytest.raises(NotReadyError):
        service.ask()


def test_a_higher_version_takes_over_and_the_old_one_is_closed(
    service: Service, shop: Shop, engine: FakeEngine
) -> None:
    shop.publish(version="1.9", file="old")
    service.step()
    shop.publish(version="1.10", file="new")
    service.step()
    assert service.ask().version == "1.10"
    assert service.states() == {"digits 1.9": "unloaded", "digits 1.10": "active"}
    assert engine.reader("digits1.9").closed
    assert engine.loads == ["digits1.9", "digits1.10"]


def test_the_same_file_with_a_lower_version_is_a_rollback(service: Service, shop: Shop) -> None:
    shop.publish(version="2.0")
    service.step()
    shop.publish(version="1.0")
    os.utime(shop.model / "digits.yaml", (0, 0))  # older than what was there: no reason to overlook it
    service.step()
    assert service.ask().version == "1.0"


def test_removing_the_higher_version_brings_the_lower_one_back(service: Service, shop: Shop) -> None:
    shop.publish(version="1.0", file="old")
    shop.publish(version="2.0", file="new")
    service.step()
    shop.remove("new")
    service.step()
    assert service.ask().version == "1.0"


def test_a_removed_model_is_unloaded(service: Service, shop: Shop, engine: FakeEngine) -> None:
    shop.publish()
    service.step()
    shop.remove()
    service.step()
    assert service.states() == {}
    assert engine.reader("digits1.0").closed
    assert not service.plane.ready()


def test_other_bytes_under_one_version_are_a_new_generation(
    service: Service, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.publish(word="first")
    service.step()
    shop.publish(word="second")
    with caplog.at_level("WARNING"):
        service.step()
    assert service.ask().text == "second-1"
    assert "other bytes under version 1.0" in caplog.text


def test_a_pinned_version_serves(service_for: Callable[..., Service], shop: Shop) -> None:
    service = service_for(Models__Pinned={"digits": "1.0"})
    shop.publish(version="1.0", file="old")
    shop.publish(version="2.0", file="new")
    service.step()
    assert service.ask().version == "1.0"


def test_a_pin_to_nothing_says_why_nothing_serves(service_for: Callable[..., Service], shop: Shop) -> None:
    service = service_for(Models__Pinned={"digits": "7"})
    shop.publish()
    service.step()
    assert service.states() == {"digits 1.0": "discovered"}
    assert service.reason("digits 1.0") == "complete, but digits is pinned to 7"


def test_kept_versions_stand_by(service_for: Callable[..., Service], shop: Shop, engine: FakeEngine) -> None:
    service = service_for(Models__Keep=1)
    for version in ["1.0", "2.0", "3.0"]:
        shop.publish(version=version)
        service.step()
    assert service.states() == {"digits 2.0": "standby", "digits 3.0": "active"}
    assert engine.reader("digits1.0").closed


@pytest.mark.parametrize("end", ["swap", "removal", "operator"])
def test_a_model_that_is_in_use_is_closed_after_its_last_request(
    service: Service, shop: Shop, engine: FakeEngine, end: str
) -> None:
    # T5: nobody is cut off, whatever ends a version.
    shop.publish(version="1.0")
    service.step()
    session = service.lifecycle._pool.routes.all[0].target
    engine.reader("digits1.0").orders["gate"] = True
    texts: list[str] = []
    askers = [threading.Thread(target=lambda: texts.append(service.ask().text)) for _ in range(50)]
    for asker in askers:
        asker.start()
    eventually(lambda: session.leases == 50)
    match end:
        case "swap":
            shop.publish(version="2.0")
        case "removal":
            shop.remove()
        case _:
            service.lifecycle.wish(lambda wishes: replace(wishes, off=frozenset({"digits"})))
    service.step()
    assert service.states()["digits 1.0"] == "draining"
    assert not engine.reader("digits1.0").closed
    if end == "swap":
        assert service.ask().version == "2.0"
    engine.gate.set()
    for asker in askers:
        asker.join(10)
    assert texts == ["digits1.0-1"] * 50
    service.step(2)
    assert engine.reader("digits1.0").closed
    assert session.leases == 0
    assert service.states() == {"swap": {"digits 2.0": "active"}, "removal": {}}.get(end, service.states())


def test_what_comes_back_while_it_is_drained_is_loaded_again(service: Service, shop: Shop, engine: FakeEngine) -> None:
    shop.publish()
    service.step()
    first = engine.reader("digits1.0")
    first.orders["gate"] = True
    asker = threading.Thread(target=service.ask)
    asker.start()
    eventually(lambda: first.running == 1)
    shop.remove()
    service.step()
    shop.publish()
    service.step()
    assert service.ask().text == "digits1.0-1"
    engine.gate.set()
    asker.join(10)
    service.step()
    assert first.closed
    assert service.states() == {"digits 1.0": "active"}


@pytest.mark.parametrize(("setting", "layout"), [("latency", LATENCY), ("throughput", THROUGHPUT)])
def test_threads_are_laid_out_as_the_settings_say(
    service_for: Callable[..., Service], shop: Shop, engine: FakeEngine, setting: str, layout: Threads
) -> None:
    service = service_for(Batching__Threads=setting)
    shop.publish()
    service.step()
    assert engine.threads == layout


def test_a_running_lifecycle_finds_a_model_by_itself_and_stops(shop: Shop, engine: FakeEngine) -> None:
    service = Service(shop, engine, time.monotonic, Folders__ScanSeconds=0.01)
    service.lifecycle.start()
    shop.publish()
    eventually(service.plane.ready)
    service.lifecycle.stop(10)
    assert engine.reader("digits1.0").closed


def test_a_retry_comes_when_it_is_due_however_seldom_the_folders_are_looked_at(shop: Shop, engine: FakeEngine) -> None:
    engine.troubles = 2
    shop.publish()
    plane, lifecycle = assemble(settings(shop, Folders__ScanSeconds=60), engine)
    lifecycle.start()
    eventually(plane.ready)  # after 1 and 2 seconds
    lifecycle.stop(5)
    assert len(engine.loads) == 3


def test_an_unknown_size_is_no_models_business(service: Service, shop: Shop) -> None:
    shop.publish()
    service.step()
    with pytest.raises(UnknownModelError, match=r"9x4.*8x4"):
        service.ask(size=(9, 4))


def test_each_change_is_logged_with_its_duration(
    service: Service, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.publish()
    with caplog.at_level("INFO"):
        service.step()
    lines = [record.getMessage() for record in caplog.records if "digits 1.0: " in record.getMessage()]
    words = [line.split(": ")[1].split()[0] for line in lines]
    assert words == ["settling", "discovered", "validating", "loading", "warming", "standby", "active"]
    assert lines[-1].endswith("active after 0.000 s standby: no other version of it serves")
