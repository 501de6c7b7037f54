"""The signals that an operator sends to the process: stop, stop at once, look at the folders now."""

import logging
import os
import queue
import signal
import sys
from collections.abc import Callable
from concurrent import futures
from types import FrameType, TracebackType
from typing import Any, Self

# Ctrl-Break is all that another process can send to this one on Windows.
_STOP: tuple[signal.Signals, ...] = tuple(
    filter(None, (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGBREAK", None)))
)
_RESCAN = () if sys.platform == "win32" else (signal.SIGHUP,)
_WAKE_SECONDS = 0.5  # a wait without end would not see Ctrl-C on Windows

_log = logging.getLogger(__name__)


class Signals:
    """Takes the signals from `with` on: before the service says that it listens, since whoever reads that may send one.

    SIGTERM, SIGINT and Ctrl-Break on Windows end `wait`, a second one ends the process at once. A handler runs in the
    midst of whatever the main thread does, so it may take no lock that the main thread may hold: it puts the signal
    into a queue that can be put into at any moment, where an Event has a lock.

    Args:
        rescan: called by `wait` on SIGHUP, where there is such a signal.
    """

    def __init__(self, rescan: Callable[[], None]) -> None:
        self._rescan = rescan
        self._came: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stops = False
        self._before: dict[signal.Signals, Any] = {}

    def wait(self) -> None:
        """Return once the service is to stop."""
        while (number := self._next()) not in _STOP:
            if number:
                self._rescan()
        _log.info("%s: not ready any more, finishing what was accepted", signal.Signals(number).name)

    def _next(self) -> int | None:
        try:
            return self._came.get(timeout=_WAKE_SECONDS)
        except queue.Empty:
            return None

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number in _STOP and self._stops:
            os._exit(1)  # without a word: whoever holds the log's lock may be stuck for good
        self._stops = self._stops or number in _STOP
        self._came.put(number)

    def __enter__(self) -> Self:
        for number in (*_STOP, *_RESCAN):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:  # else the process is about to end, and one more signal changes nothing about that
            for number, handler in self._before.items():
                signal.signal(number, handler)


def hearing(work: Callable[[], None]) -> None:
    """Do work on another thread, so that the main thread goes on to hear signals: on Windows long waits let none in."""
    with futures.ThreadPoolExecutor(1) as threads:
        done = threads.submit(work)
        while not done.done():
            futures.wait([done], _WAKE_SECONDS)
        done.result()
