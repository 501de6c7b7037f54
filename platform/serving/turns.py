"""Word between a thread that waits for a model and whoever gave it its work.

Threads that work share one interpreter, so only a few of them should at a time; any number may wait. Nor should all
that waited for a batch come back at once.
"""

import threading
from collections.abc import Callable
from typing import Protocol


class Seat(Protocol):
    """One piece of work on one thread, as whoever gave it sees it."""

    def leave(self) -> None:
        """Let another thread work; said by this one, which is about to wait or to be busy without the interpreter."""

    def come_back(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it is the thread's turn again; from any thread, which must not wait long for this."""


class _Nobody:
    def leave(self) -> None:
        pass

    def come_back(self, wake: Callable[[], None]) -> None:
        wake()


NOBODY: Seat = _Nobody()
"""Stands for work that nobody keeps count of."""

_here = threading.local()


def take(seat: Seat) -> None:
    """Set what this thread works on."""
    _here.seat = seat


def here() -> Seat:
    """Return what this thread works on."""
    seat: Seat = getattr(_here, "seat", NOBODY)
    return seat
