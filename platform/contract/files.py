"""Files that are whole or not there: written under a temporary name, flushed to disk, then renamed."""

import contextlib
import hashlib
import os
import stat
import time
import uuid
from pathlib import Path

# On Windows a file cannot be replaced while another program has it open, as virus scanners do for a moment.
_BUSY_SECONDS = 2.0 if os.name == "nt" else 0.0
_LOOK_SECONDS = 0.1


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that its name never shows a part of it, not even after a crash.

    The temporary name starts with a dot and ends in `.tmp`, which the platform's scan ignores. A file that is replaced
    keeps its rights and owner where the system lets it.

    Raises:
        OSError: the folder is missing or full; nothing is left behind then.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _take_after(path, temporary)
        _put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # Windows cannot open a folder; its rename is journaled
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _put_in_place(temporary: Path, path: Path) -> None:
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if time.monotonic() >= until:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _take_after(old: Path, new: Path) -> None:
    if os.name != "posix" or not old.exists():  # Windows hands down the rights of the folder
        return
    before = old.stat()
    for owner, group in ((-1, before.st_gid), (before.st_uid, -1)):
        with contextlib.suppress(OSError):  # only root may give files away, and not everywhere
            os.chown(new, owner, group)
    if new.stat().st_gid == before.st_gid:  # else what the group may do would be another group's
        with contextlib.suppress(OSError):  # of a file system without rights
            new.chmod(stat.S_IMODE(before.st_mode))


def sha256(content: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
