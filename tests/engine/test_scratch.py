"""What a trial says before it dies is kept without a disk, or forgotten; the trial takes place."""

import os
import tempfile
from typing import Any

import pytest

from engine.child import Child
from engine.errors import GraphError
from engine.preflight import Preflight
from engine.quiet import import_tensorflow
from engine.scratch import scratch_file, temporary_folder_named
from tests.engine.bombs import bomb


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no folder for temporary files, here and in processes that start meanwhile."""

    def none(*_: object, **__: object) -> Any:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", none)


@pytest.mark.usefixtures("full_disk")
def test_a_trial_begins_where_no_temporary_file_can_be_made() -> None:
    child = Child(lambda: None, yielding=False)
    child.end("")
    assert child.bury() == ""


@pytest.mark.slow
@pytest.mark.usefixtures("full_disk")
def test_models_are_tried_where_no_temporary_file_can_be_made() -> None:
    import_tensorflow()
    preflight = Preflight()
    try:
        preflight(*bomb("harmless"), 2)
        with pytest.raises(GraphError, match="tensorflow crashed over it"):
            preflight(*bomb("fatal"), 2)
    finally:
        preflight.close()


def test_what_is_written_can_be_read() -> None:
    with scratch_file() as file:
        file.write(b"Check failed")
        file.seek(0)
        assert file.read() == b"Check failed"


@pytest.mark.usefixtures("full_disk")
def test_without_memory_files_and_disk_what_is_written_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with scratch_file() as file:
        file.write(b"Check failed")
        file.seek(0)
        assert file.read() == b""


def test_a_folder_is_named_where_none_can_be_written_to_and_only_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    with temporary_folder_named():
        assert tempfile.gettempdir() == os.curdir
    with pytest.raises(FileNotFoundError):
        tempfile.gettempdir()
