"""The contract pixels of a set while it is packed: on disk, so that memory does not bound a set."""

import mmap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BUFFER = 1 << 20  # bytes


@dataclass(frozen=True)
class Spool:
    """Pixels by number, in a file that several processes write to at once.

    Attributes:
        path: of the file.
        size: of one picture's pixels in bytes.
    """

    path: Path
    size: int

    def put(self, pictures: Iterable[tuple[int, bytes | memoryview]]) -> None:
        """Store the pixels of pictures, each at the place of its number."""
        with self.path.open("r+b", buffering=BUFFER) as file:
            after = -1
            for number, pixels in pictures:
                if number != after:  # moving empties the buffer
                    file.seek(number * self.size)
                file.write(pixels)
                after = number + 1

    @contextmanager
    def opened(self) -> Iterator["SpoolReader"]:
        """Open it for reading, once everything is there."""
        if self.path.stat().st_size == 0:  # which cannot be mapped
            yield SpoolReader(b"", self.size)
            return
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield SpoolReader(content, self.size)


@dataclass(frozen=True)
class SpoolReader:
    """A spool, open for reading."""

    content: bytes | mmap.mmap
    size: int

    def get(self, number: int) -> bytes:
        """Return the pixels of a picture."""
        return self.content[number * self.size : (number + 1) * self.size]
