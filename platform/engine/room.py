"""How much memory a process can still take before the system ends one for it: of the machine, and of its container."""

import contextlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

NOT_SPARED = "more than {:,} bytes could not be spared for it now"
# Last words of a process that gets no more memory, of tensorflow, and of a trial.
_NO_MEMORY = ("bad_alloc", "OOM when allocating", "bytes of memory")
_SHARE = 0.75  # of what is left: the service itself and its neighbours go on meanwhile
_LEAST = 512 * 1024 * 1024  # bytes; any model needs some, and what is left grows again
_UNLIMITED = 2**60  # bytes: how version 1 of cgroups says that there is no limit
# Files with the limit and with what is in use, below a folder of /sys/fs/cgroup.
_V1 = ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
_V2 = ("", "memory.max", "memory.current")


def lacks_memory(reason: str) -> bool:
    """Return whether a model failed because it got no more memory. Pure."""
    return any(word in reason for word in _NO_MEMORY)


def within_what_is_left(asked: int, left: int | None) -> int:
    """Return how many bytes to allow of those that were asked for: three quarters of what is left, or 512 MiB. Pure.

    Args:
        asked: bytes.
        left: bytes; None if that is not known.
    """
    return asked if left is None else min(asked, max(_LEAST, int(_SHARE * left)))


def memory_left(root: Path = Path("/")) -> int | None:
    """Return the bytes that are left of the machine and of all groups that this process is in; None if none is told.

    See proc(5) for MemAvailable, and the kernel's documents on both versions of cgroups. What a group has in use holds
    files that can be dropped (`inactive_file`), which are left too.

    Args:
        root: of the file system.
    """
    found = [*_of_machine(root), *_of_groups(root)]
    return max(0, min(found)) if found else None


def _of_machine(root: Path) -> list[int]:
    fields = _fields(root / "proc/meminfo", 1024)
    return [fields["MemAvailable:"]] if "MemAvailable:" in fields else []


def _of_groups(root: Path) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            version = _V2 if number == "0" else _V1 if "memory" in controllers.split(",") else None
            if version:
                mount = root / "sys/fs/cgroup" / version[0]
                group = PurePosixPath(path)
                # Of a container's own path only the end may be mounted there: the root is always looked at.
                found += [_left(mount / place.relative_to("/"), *version[1:]) for place in (group, *group.parents)]
    return [left for left in found if left is not None]


def _left(folder: Path, limit: str, used: str) -> int | None:
    try:
        most = (folder / limit).read_text("ascii").strip()
        if most == "max" or int(most) >= _UNLIMITED:
            return None
        droppable = _fields(folder / "memory.stat", 1).get("inactive_file", 0)
        return int(most) - int((folder / used).read_text("ascii")) + droppable
    except (OSError, ValueError):
        return None


def _fields(path: Path, unit: int) -> Mapping[str, int]:
    """Return the numbers of a file with a name and a number on each line."""
    fields = {}
    with contextlib.suppress(OSError, ValueError):
        for line in path.read_text("ascii").splitlines():
            name, number, *_ = line.split()
            fields[name] = unit * int(number)
    return fields
