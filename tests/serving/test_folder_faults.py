"""T7: whatever becomes of the folders and the disk, what serves goes on serving, and the rest mends itself."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contract.spec import dump
from serving.repository import Scan, scan
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop

CODES = [errno.EIO, errno.EACCES, errno.EMFILE]


@contextmanager
def faulty(monkeypatch: pytest.MonkeyPatch, method: str, under: Path, code: int) -> Iterator[None]:
    """Let a method of Path fail for a folder and what is in it."""
    sound: Callable[..., Any] = getattr(Path, method)

    def fail(path: Path, *words: Any, **more: Any) -> Any:
        if path == under or under in path.parents:
            raise OSError(code, os.strerror(code))
        return sound(path, *words, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, fail)
        yield


@pytest.mark.parametrize("method", ["stat", "iterdir", "read_bytes", "open"])
@pytest.mark.parametrize("folder", ["graph", "model"])
@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_fault_of_a_folder_changes_nothing_and_passes(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch, folder: str, method: str, code: int
) -> None:
    shop.publish(version="1.0")
    service.step()
    shop.publish(version="2.0")
    with faulty(monkeypatch, method, getattr(shop, folder), code):
        for _ in range(5):
            service.step(1)
            assert service.ask().version in {"1.0", "2.0"}  # 2.0 where the fault does not touch what is read
            assert service.plane.ready()
        if service.ask().version == "1.0":
            told = [*service.lifecycle.degraded, *(status.reason for status in service.plane.models())]
            assert any(os.strerror(code) in sentence for sentence in told)
    service.step(3)
    service.clock.now += 100  # a load that failed meanwhile is due again
    service.step(3)
    assert service.states()["digits 2.0"] == "active"
    assert service.lifecycle.degraded == ()


def test_a_folder_that_is_replaced_by_a_file_and_back_changes_nothing(service: Service, shop: Shop) -> None:
    shop.publish()
    service.step()
    away = shop.model.rename(shop.model.with_name("away"))
    shop.model.write_text("not a folder")
    service.step(5)
    assert service.ask().version == "1.0"
    assert str(shop.model) in service.lifecycle.degraded[0]
    shop.model.unlink()
    away.rename(shop.model)
    service.step()
    assert (service.ask().version, service.lifecycle.degraded) == ("1.0", ())


def test_a_full_disk_ends_half_a_file_and_no_model(service: Service, shop: Shop) -> None:
    shop.publish(version="1.0")
    service.step()
    spec, graph = shop.build(version="2.0", file="new")
    (shop.graph / "new.pb").write_bytes(graph[:10])  # where `cp` stopped
    (shop.model / "new.yaml").write_bytes(dump(spec)[:-20])
    service.step(5)
    assert service.ask().version == "1.0"
    (shop.graph / "new.pb").write_bytes(graph)
    (shop.model / "new.yaml").write_bytes(dump(spec))
    service.step()
    assert service.ask().version == "2.0"


def test_thousands_of_junk_files_are_looked_at_and_not_read_again(
    service: Service, shop: Shop, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(version="1.0")
    for number in range(5000):
        (shop.graph / f"junk{number}.pb").touch()
        (shop.model / f"junk{number}.{['yaml', 'txt', 'tmp'][number % 3]}").touch()
    seen = scan(shop.graph, shop.model, scan(shop.graph, shop.model, Scan()))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
        patch.setattr(Path, "open", lambda path, *_: pytest.fail(f"{path} was opened again"))
        assert len(scan(shop.graph, shop.model, seen).candidates) == 1 + 1667
    service.step()
    assert engine.loads == ["digits1.0"]
    assert service.ask().version == "1.0"
