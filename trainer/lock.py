"""One process at a time: a lock that the operating system takes back when its holder ends, however it ends."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MAX_HOLDER_BYTES = 300


class HeldError(OSError):
    """Another process, or another thread, has the lock.

    Attributes:
        holder: who that is, such as `process 123 on cliff`.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(f"held by {holder}")
        self.holder = holder


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock. Its file stays behind: the file alone locks nothing, and deleting it would let two in at once.

    Args:
        path: of the lock's file; it is made if it is not there.

    Raises:
        HeldError: it is held already.
    """
    with path.open("a+b") as file:
        if not _try(file):
            file.seek(0)
            raise HeldError(file.read(MAX_HOLDER_BYTES).decode(errors="replace") or "another process")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        file.flush()
        yield  # closing the file frees the lock


if sys.platform == "win32":
    import msvcrt

    _BEHIND = 1 << 20  # a locked byte cannot be read, so it is one behind the text

    def _try(file: BinaryIO) -> bool:
        file.seek(_BEHIND)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
