"""Room to decode large pictures: a few at a time, and without holding up others."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError

from serving import turns
from serving.errors import DeadlineError

MANY_PIXELS = 250_000
"""Of one request. To decode fewer takes a few milliseconds and a megabyte, and no room is asked for."""

AT_ONCE = 2
"""Requests with many pixels that are decoded at the same time, over both transports."""


class DecodingRoom:
    """Lets a few requests with many pixels decode at a time. Safe from many threads.

    They decode on threads of its own, since an allocator keeps memory for threads that had it: on their own threads 120
    requests with pictures of 2000x2000 took 720 MB, and here 140 (glibc).
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "decode")

    def run(self, decode: Callable[[], None], pixels: int, deadline: float) -> None:
        """Decode, many pixels as soon as there is room, while other threads go on.

        Args:
            decode: does it.
            pixels: of all pictures of the request, by their headers.
            deadline: on the clock of time.monotonic().

        Raises:
            DeadlineError: there was no room until then.
        """
        if pixels <= MANY_PIXELS:
            decode()
            return
        turns.here().leave()
        decoding = self._threads.submit(decode)
        try:
            decoding.result(max(0.0, deadline - time.monotonic()))
        except NotYetError:
            if decoding.cancel():
                raise DeadlineError(
                    "the deadline passed before there was room to decode pictures of that size"
                ) from None
            decoding.result()  # it has begun, and is soon done
