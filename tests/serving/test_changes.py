"""By what a scan sees that a file is another one."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from serving.states import State
from tests.serving.rig import Shop
from tests.serving.test_repository import look, stages

_TIMES = ("st_mtime_ns", "st_ctime_ns")


def test_an_older_file_in_its_place_is_a_change(shop: Shop) -> None:
    shop.publish(version="2.0")
    seen = look(shop)
    status = (shop.model / "digits.yaml").stat()
    shop.publish(version="1.0")
    os.utime(shop.model / "digits.yaml", ns=(0, status.st_mtime_ns - 10**12))
    (candidate,) = look(shop, 2, seen).candidates
    assert (candidate.stage, candidate.version) == (State.DISCOVERED, "1.0")


def test_a_rewrite_of_equal_size_and_time_is_a_change(shop: Shop) -> None:
    shop.publish(version="2.0")
    seen = look(shop)
    status = (shop.model / "digits.yaml").stat()
    shop.publish(version="3.0")
    os.utime(shop.model / "digits.yaml", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (shop.model / "digits.yaml").stat().st_size == status.st_size
    assert look(shop, 2, seen).candidates[0].version == "3.0"


@pytest.mark.parametrize("telling", ["mtime", "ctime"])
def test_a_rewrite_in_place_of_equal_size_is_a_change(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, telling: str
) -> None:
    # T3: `cp` and editors that write into the file that is there keep its inode; of two times one may not tell.
    shop.publish(version="2.0")
    path = shop.model / "digits.yaml"
    before = path.stat()
    look_like(monkeypatch, path, before)
    seen = look(shop)
    content = path.read_bytes().replace(b"2.0", b"3.0")
    with path.open("r+b") as file:
        file.write(content)
    look_like(monkeypatch, path, before, **{f"st_{telling}_ns": 1})
    (candidate,) = look(shop, 2, seen).candidates
    assert (candidate.version, path.stat().st_ino) == ("3.0", before.st_ino)


def look_like(monkeypatch: pytest.MonkeyPatch, path: Path, status: os.stat_result, **other: int) -> None:
    """Let a file have these inode, size and times, but for what is said otherwise."""
    known = {name: getattr(status, name) for name in ("st_mode", "st_ino", "st_dev", "st_size", *_TIMES)}
    real = Path.stat
    told = SimpleNamespace(**{**known, **other})
    monkeypatch.setattr(Path, "stat", lambda self, **how: told if self == path else real(self, **how))


def test_a_renamed_yaml_is_the_same_version(shop: Shop) -> None:
    # T7
    shop.publish()
    seen = look(shop)
    (shop.model / "digits.yaml").rename(shop.model / "other.yaml")
    moved = look(shop, 2, seen)
    assert stages(moved) == {"other": State.DISCOVERED}
    assert [candidate.key for candidate in moved.candidates] == [candidate.key for candidate in seen.candidates]
