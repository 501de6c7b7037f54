"""A picture with its label: where it is and what it should read as. Small, and cheap to send to a worker."""

import functools
import io
import math
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

READ_BYTES = 65536

_FOR_READING = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # which only Windows has


class Content(Protocol):
    """Where the bytes of a picture file are."""

    def read(self) -> bytes:
        """Return the bytes; raises OSError when they are gone."""

    def stamp(self) -> str:
        """Return a text that changes when the bytes are written again, without reading them; raises as `read`."""


@dataclass(frozen=True)
class FileContent:
    """A file of its own.

    Attributes:
        path: as text; a hundred thousand `Path`s take a second to make and to send to workers.
    """

    path: str

    def read(self) -> bytes:
        """Return the bytes; raises OSError when the file is gone."""
        # No file object in between, and none of pathlib: they take longer than reading a small file.
        file = os.open(self.path, _FOR_READING)
        parts = []
        try:
            while part := os.read(file, READ_BYTES):
                parts.append(part)
        finally:
            os.close(file)
        return b"".join(parts)

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
class PixelsContent:
    """Contract pixels inside a file of records, as a picture file.

    Attributes:
        part: where the pixels are.
        shape: (H, W, C) of them.
    """

    part: PartContent
    shape: tuple[int, int, int]

    def read(self) -> bytes:
        """Return the bytes of a BMP, the same on every machine; raises OSError when the file is gone or cut off."""
        pixels = self.part.read()
        if len(pixels) != math.prod(self.shape):
            raise OSError(f"{self.part.path} is cut off")
        array = np.frombuffer(pixels, np.uint8).reshape(self.shape)
        file = io.BytesIO()
        Image.fromarray(array[:, :, 0] if self.shape[2] == 1 else array).save(file, "BMP")
        return file.getvalue()

    def stamp(self) -> str:
        """Return what `PartContent` does."""
        return self.part.stamp()


@dataclass(frozen=True)
class ZipContent:
    """A file in a zip archive.

    Attributes:
        archive: where it is.
        member: its name there.
        crc: its CRC-32, from the archive's table of contents.
    """

    archive: Path
    member: str
    crc: int

    def read(self) -> bytes:
        """Return the bytes; raises OSError when the archive is gone, damaged or locked."""
        try:
            return _open_archive(self.archive, _stamp(self.archive)).read(self.member)
        except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError) as error:
            raise OSError(f"{self.archive}: {error}") from error

    def stamp(self) -> str:
        """Return its checksum: a file that is added to the archive changes no other one."""
        return f"{self.crc:08x}"


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


def _stamp(path: Path | str) -> str:
    status = os.stat(path)  # noqa: PTH116 - once for each picture
    return f"{status.st_size}:{status.st_mtime_ns}"
