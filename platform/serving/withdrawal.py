"""Word from a transport that a client has gone, for whatever still waits to be done for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Withdrawal:
    """Whether the client of a call has gone. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: list[Callable[[], None]] = []
        self._gone = False

    def withdraw(self) -> None:
        """Say that it has gone."""
        with self._lock:
            self._gone = True
            actions, self._actions = self._actions, []
        for action in actions:
            action()

    def then(self, action: Callable[[], None]) -> None:
        """Set what is done when it goes; at once, if it has gone already."""
        with self._lock:
            if not self._gone:
                self._actions.append(action)
                return
        action()

    @property
    def gone(self) -> bool:
        """Whether it has gone."""
        return self._gone

    def settle(self) -> None:
        """Forget what was to be done: it has been answered."""
        with self._lock:
            self._actions = []


_withdrawal: ContextVar[Withdrawal | None] = ContextVar("withdrawal", default=None)


@contextmanager
def entered(withdrawal: Withdrawal) -> Iterator[None]:
    """Let this thread work on a request that may be withdrawn."""
    _withdrawal.set(withdrawal)
    try:
        yield
    finally:
        _withdrawal.set(None)
        withdrawal.settle()


def when_withdrawn(action: Callable[[], None]) -> None:
    """Set what is done if the request that this thread works on is withdrawn."""
    current = _withdrawal.get()
    if current:
        current.then(action)


def watch() -> Callable[[], bool]:
    """Return what tells, on any thread, whether the request that this thread works on has been withdrawn."""
    current = _withdrawal.get()
    return lambda: current is not None and current.gone
