"""A place for what a process says before it dies. No disk is needed for it, where the system has memory files."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast


def scratch_file() -> BinaryIO:
    """Open a file without a name, to write and read; it is gone when it is closed.

    It comes from memory if it can: a model is loaded on a machine whose disk is full as well. The last resort forgets
    what is written to it: then it is not known why a model was refused, but others are served.
    """
    if hasattr(os, "memfd_create"):
        with contextlib.suppress(OSError):  # not allowed in some containers
            return os.fdopen(os.memfd_create("scratch"), "w+b")
    try:
        return cast(BinaryIO, tempfile.TemporaryFile())
    except OSError:
        return Path(os.devnull).open("w+b")


@contextlib.contextmanager
def temporary_folder_named() -> Iterator[None]:
    """Let `tempfile` name a folder inside, though none can be written to: an import of tensorflow asks for the name."""
    try:
        tempfile.gettempdir()
    except OSError:
        tempfile.tempdir = os.curdir
        try:
            yield
        finally:
            tempfile.tempdir = None
    else:
        yield
