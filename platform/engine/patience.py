"""How long a trial may take: on its own clock, which stands still while it has to wait for a processor.

A model that hangs uses its own time up, asleep or not. One that stands in line behind the requests that are served
does not, and nothing is proven about it. Own time is told from waiting on Linux only; elsewhere all time is its own.
A stretch in which nobody looked, since the machine slept or all of us were frozen, proves nothing either.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_LOOKS = 0.1  # seconds between two looks at a process
_LONGEST = 1.0  # seconds that count between two looks
_IN_LINE = {"R", "D"}  # states of a thread that would run if it could: for a processor, for a disk

Verdict = Literal["", "hung", "starved"]


@dataclass(frozen=True)
class Look:
    """One look at a process.

    Attributes:
        moment: in seconds, of any clock.
        worked: seconds of processor time that it has had.
        in_line: whether any of its threads would run if it could.
    """

    moment: float
    worked: float
    in_line: bool


@dataclass(frozen=True)
class Spent:
    """What a trial has taken so far, in seconds: on its own clock, and in line."""

    own: float = 0.0
    waited: float = 0.0

    def plus(self, before: Look, now: Look) -> "Spent":
        """Count the time between two looks: what was in line and not at work has waited."""
        passed = min(now.moment - before.moment, _LONGEST)
        own = min(passed, now.worked - before.worked) if before.in_line and now.in_line else passed
        return Spent(self.own + own, self.waited + passed - own)

    def verdict(self, seconds: float, patience: float) -> Verdict:
        """Tell whether it is over: its own time is used up, or it has waited for too long."""
        if self.own >= seconds:
            return "hung"
        return "starved" if self.waited >= patience else ""


class Watch:
    """Looks at a process again and again, from a thread of its own, and ends it when its time is over.

    Args:
        number: of the process.
        seconds: on its own clock.
        patience: seconds that it may wait.
        end: ends it.

    Attributes:
        verdict: why it was ended; empty if it was not.
        tells_waiting: whether its own time can be told from waiting here.
    """

    tells_waiting = sys.platform == "linux"

    def __init__(self, number: int, seconds: float, patience: float, end: Callable[[], None]) -> None:
        self.verdict: Verdict = ""
        self._number = number
        self._seconds = seconds
        self._patience = patience
        self._end = end
        self._anew = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="trial watch", daemon=True)

    def begin_anew(self, seconds: float) -> None:
        """Count from now on only, and allow so many seconds of its own."""
        self._seconds = seconds
        self._anew = True

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        spent, before = Spent(), look(self._number)
        while not self._over.wait(_LOOKS):
            now = look(self._number)
            if self._anew:
                spent, self._anew = Spent(), False
            spent, before = spent.plus(before, now), now
            self.verdict = spent.verdict(self._seconds, self._patience)
            if self.verdict:
                self._end()
                return


def look(number: int) -> Look:
    """Look at a process by its number; where it cannot be seen, it is never in line."""
    moment = time.monotonic()
    try:
        fields = _fields(Path(f"/proc/{number}/stat"))
        ticks = int(fields[11]) + int(fields[12])
        return Look(moment, ticks / os.sysconf("SC_CLK_TCK"), _in_line(number))
    except (OSError, AttributeError):  # no such system, or it has just ended
        return Look(moment, 0.0, in_line=False)


def _in_line(number: int) -> bool:
    # The main thread sleeps while threads of tensorflow work for it.
    for task in Path(f"/proc/{number}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            if _fields(task / "stat")[0] in _IN_LINE:
                return True
    return False


def _fields(stat: Path) -> list[str]:
    """Return what proc(5) tells of a process or thread, from its state on; the name before that may hold anything."""
    return stat.read_text("ascii", "replace").rpartition(")")[2].split()
