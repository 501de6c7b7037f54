"""A picture with its label: where it is and what it should read as. Small, and cheap to send to a worker."""

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
        status = self.path.stat()
        return f"{status.st_size}:{status.st_mtime_ns}"


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
