"""A picture with its label: where it is and what it should read as. Small, and cheap to send to a worker."""

import functools
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Content(Protocol):
    """Where the bytes of a picture file are."""

    def read(self) -> bytes:
        """Return the bytes; raises OSError when they are gone."""

    def stamp(self) -> str:
        """Return a text that changes when the bytes are written again, without reading them; raises as `read`."""


@dataclass(frozen=True)
class FileContent:
    """A file of its own."""

    path: Path

    def read(self) -> bytes:
        """Return the bytes; raises OSError when the file is gone."""
        return self.path.read_bytes()

    def stamp(self) -> str:
        """Return size and time of writing."""
        return _stamp(self.path)


@dataclass(frozen=True)
class PartContent:
    """Some bytes inside a file, such as one record of many."""

    path: Path
    start: int
    length: int

    def read(self) -> bytes:
        """Return the bytes; raises OSError when the file is gone."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.length)

    def stamp(self) -> str:
        """Return size and time of writing of the whole file, and the place in it."""
        return f"{_stamp(self.path)}:{self.start}"


@dataclass(frozen=True)
class ZipContent:
    """A file in a zip archive."""

    archive: Path
    member: str

    def read(self) -> bytes:
        """Return the bytes; raises OSError when the archive is gone, damaged or locked."""
        try:
            return _open_archive(self.archive, _stamp(self.archive)).read(self.member)
        except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError) as error:
            raise OSError(f"{self.archive}: {error}") from error

    def stamp(self) -> str:
        """Return size and time of writing of the archive."""
        return _stamp(self.archive)


@dataclass(frozen=True)
class Sample:
    """A labelled picture.

    Attributes:
        name: how messages, lists and the manifest call it; unique in a set.
        label: as written, before folding; None if the pattern found none.
        content: its bytes, read when needed.
    """

    name: str
    label: str | None
    content: Content


@functools.lru_cache(maxsize=4)
def _open_archive(path: Path, _stamp: str) -> zipfile.ZipFile:
    # Kept open: reading the table of contents again for each picture would take longer than the pictures.
    return zipfile.ZipFile(path)


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}"
