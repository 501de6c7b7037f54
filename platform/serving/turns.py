"""Word from a thread that it is about to wait for a model, for whoever gave it its work.

Threads that work share one interpreter, so only a few of them should at a time; any number may wait.
"""

import threading
from collections.abc import Callable

_here = threading.local()


def on_wait(action: Callable[[], None]) -> None:
    """Set what is done whenever this thread is about to wait."""
    _here.action = action


def about_to_wait() -> None:
    """Say so."""
    action: Callable[[], None] | None = getattr(_here, "action", None)
    if action:
        action()
