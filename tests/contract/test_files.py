"""Files are whole or not there."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from contract import files
from contract.files import sha256, write_atomically


def test_content_is_written_and_nothing_else(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.pb", b"new\r\n\0")
    assert (tmp_path / "a.pb").read_bytes() == b"new\r\n\0"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pb"]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(b"older and longer")
    write_atomically(tmp_path / "a.pb", b"new")
    assert (tmp_path / "a.pb").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_a_replaced_file_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.touch()
    for rights in (0o640, 0o600, 0o444):
        path.chmod(rights)
        write_atomically(path, b"new")
        assert path.stat().st_mode & 0o777 == rights


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.touch()
    os.chown(path, 12345, 54321)
    write_atomically(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_a_system_that_gives_no_file_away_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise OSError(22, "Invalid argument")

    path = tmp_path / "a.pb"
    path.write_bytes(b"older")
    for name in ("chown", "chmod"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_older_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pb").write_bytes(b"older")

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[step], fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a.pb", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.pb": b"older"}


def test_the_name_shows_the_older_or_the_whole_new_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.pb"
    target.write_bytes(b"older")
    seen: list[tuple[bytes, bytes]] = []
    replace = Path.replace

    def watched(self: Path, to: Path) -> Path:
        assert self.name.startswith(".a.pb.")
        assert self.suffix == ".tmp"
        assert self.parent == to.parent
        seen.append((target.read_bytes(), self.read_bytes()))
        return replace(self, to)

    monkeypatch.setattr(Path, "replace", watched)
    write_atomically(target, b"new" * 100_000)
    assert seen == [(b"older", b"new" * 100_000)]


@pytest.mark.parametrize(("patience", "replaced"), [(60.0, True), (0.0, False)])
def test_a_file_that_is_open_elsewhere_for_a_moment_is_waited_for(
    patience: float, replaced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path := tmp_path / "file").write_bytes(b"old")
    refusals = [PermissionError(13, "in use"), PermissionError(13, "in use")]
    replace = Path.replace

    def busy(self: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(files, "_BUSY_SECONDS", patience)
    with nullcontext() if replaced else pytest.raises(PermissionError):
        write_atomically(path, b"new")
    assert path.read_bytes() == (b"new" if replaced else b"old")
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "absent" / "a.pb", b"new")
    assert list(tmp_path.iterdir()) == []


def test_sha256_is_that_of_the_standard() -> None:
    # FIPS 180-2, appendix B.1
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
