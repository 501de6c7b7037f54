"""File events are a wake-up and nothing more: a service works the same without them."""

import sys
import threading
import time
from pathlib import Path

import pytest

from serving.events import Events
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually


def test_a_new_file_wakes_the_loader(shop: Shop, engine: FakeEngine) -> None:
    pytest.importorskip("watchdog")
    service = Service(shop, engine, time.monotonic, Folders__ScanSeconds=3600)
    service.lifecycle.start()
    eventually(lambda: service.lifecycle.settled)  # the next look is an hour away
    with Events([shop.graph, shop.model], service.lifecycle.wake) as events:
        assert events.watched == [shop.graph, shop.model]
        shop.publish()
        eventually(service.plane.ready)
        shop.publish(version="2.0")
        eventually(lambda: service.ask().version == "2.0")
    service.lifecycle.stop(10)


def test_reading_a_folder_is_no_event(shop: Shop) -> None:
    pytest.importorskip("watchdog")
    woken = threading.Semaphore(0)
    spec = shop.publish()
    with Events([shop.graph], woken.release):
        for _ in range(5):
            (shop.graph / spec.Graph.File).read_bytes()
            list(shop.graph.iterdir())
        (shop.graph / "new").touch()
        assert woken.acquire(timeout=10)
        while woken.acquire(timeout=0.2):  # a new file may be several events, but they end
            pass
        (shop.graph / spec.Graph.File).read_bytes()
        assert not woken.acquire(timeout=0.2)


def test_a_folder_that_cannot_be_watched_is_left_to_the_scan(tmp_path: Path) -> None:
    pytest.importorskip("watchdog")
    woken = threading.Event()
    with Events([tmp_path / "nowhere", tmp_path], woken.set) as events:
        assert events.watched == [tmp_path]
        (tmp_path / "new").touch()
        assert woken.wait(10)


def test_without_the_package_nothing_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchdog.events", None)
    with Events([tmp_path], lambda: None) as events:
        assert events.watched == []
