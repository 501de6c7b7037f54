"""Files that are whole or not there: written under a temporary name, flushed to disk, then renamed."""

import hashlib
import os
import uuid
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that its name never shows a part of it, not even after a crash.

    The temporary name starts with a dot and ends in `.tmp`, which the platform's scan ignores.

    Raises:
        OSError: the folder is missing or full; nothing is left behind then.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # Windows cannot open a folder; its rename is journaled
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sha256(content: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
