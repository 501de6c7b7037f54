"""Room to decode large pictures: a few at a time, since their pixels take memory, and without holding up others."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from serving import turns
from serving.errors import DeadlineError

MANY_PIXELS = 250_000
"""Of one request. To decode fewer takes a few milliseconds and a megabyte, and no room is asked for."""

AT_ONCE = 2
"""Requests with many pixels that are decoded at the same time, over both transports."""


class DecodingRoom:
    """Lets a few requests with many pixels decode at a time. Safe from many threads."""

    def __init__(self) -> None:
        self._room = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def hold(self, pixels: int, deadline: float) -> Iterator[None]:
        """Wait for room while other threads go on.

        Args:
            pixels: of all pictures of the request, by their headers.
            deadline: on the clock of time.monotonic().

        Raises:
            DeadlineError: there was no room until then.
        """
        if pixels <= MANY_PIXELS:
            yield
            return
        turns.here().leave()
        if not self._room.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise DeadlineError("the deadline passed before there was room to decode pictures of that size")
        try:
            yield
        finally:
            self._room.release()
