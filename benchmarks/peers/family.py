"""The processes of a server, as /proc has them: some servers start theirs in sessions of their own."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """What the kernel tells of a process.

    Attributes:
        parent: its number.
        ticks: of processor time that it took.
        born: at which tick; tells it from a later process of the same number.
    """

    parent: int
    ticks: int
    born: int


Processes = Mapping[int, Process]
"""By number."""


def family(root: int) -> Processes:
    """Return a process and all that descend from it; none if it has ended."""
    everybody = _everybody()
    return {number: one for number, one in everybody.items() if root in _line(number, everybody)}


def send(signal: int, members: Processes) -> None:
    """Send a signal to those that are still there."""
    now = _everybody()
    for number, member in members.items():
        if number in now and now[number].born == member.born:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(number, signal)


def cpu_seconds(members: Processes) -> float:
    """Return the processor time of all."""
    return sum(member.ticks for member in members.values()) / _TICKS


def _everybody() -> Processes:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        ticks = int(fields[11]) + int(fields[12])
        found[int(path.parent.name)] = Process(parent=int(fields[1]), ticks=ticks, born=int(fields[19]))
    return found


def _line(number: int, everybody: Processes) -> Iterator[int]:
    """Yield a process, its parent, its parent's parent and so on."""
    while number in everybody:
        yield number
        number = everybody[number].parent
