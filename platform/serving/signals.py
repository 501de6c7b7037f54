"""The signals that an operator sends to the process: stop, stop at once, look at the folders now."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_WAKE_SECONDS = 0.5  # a wait without end would not see Ctrl-C on Windows

_log = logging.getLogger(__name__)


class Signals:
    """Takes the signals from `with` on: before the service says that it listens, since whoever reads that may send one.

    SIGTERM and SIGINT end `wait`, a second one ends the process at once.

    Args:
        rescan: called on SIGHUP, where there is such a signal.
    """

    def __init__(self, rescan: Callable[[], None]) -> None:
        self._rescan = rescan
        self._asked = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def wait(self) -> None:
        """Return once the service is to stop."""
        while not self._asked.wait(_WAKE_SECONDS):
            pass

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            _log.warning("a second signal: ending at once")
            os._exit(1)
        _log.info("%s: not ready any more, finishing what was accepted", signal.Signals(number).name)
        self._asked.set()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._stop)
        if sys.platform != "win32":
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda _number, _frame: self._rescan())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:  # else the process is about to end, and one more signal changes nothing about that
            for number, handler in self._before.items():
                signal.signal(number, handler)
