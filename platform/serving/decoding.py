"""Room to decode large pictures: a few at a time, and without holding up others."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError

from serving import affinity, turns
from serving.errors import DeadlineError

MANY_PIXELS = 250_000
"""Of one request. To decode fewer takes a few milliseconds and a megabyte, and no room is asked for."""

AT_ONCE = 2
"""Requests with many pixels that are decoded at the same time, over both transports."""

_Waiting = tuple[Future[None], Callable[[], None]]


class DecodingRoom:
    """Lets a few requests with many pixels decode at a time. Safe from many threads.

    Each model has a line of its own, and the lines are served in turn: a flood for one holds up no other.

    They decode on threads of its own, since an allocator keeps memory for threads that had it: on their own threads 120
    requests with pictures of 2000x2000 took 720 MB, and here 140 (glibc).
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "decode", initializer=affinity.go_anywhere)
        self._lock = threading.Lock()
        self._lines: OrderedDict[str, deque[_Waiting]] = OrderedDict()

    def run(self, decode: Callable[[], None], pixels: int, deadline: float, model: str) -> None:
        """Decode, many pixels as soon as there is room, while other threads go on.

        Args:
            decode: does it.
            pixels: of all pictures of the request, by their headers.
            deadline: on the clock of time.monotonic().
            model: in whose line it waits.

        Raises:
            DeadlineError: there was no room until then.
        """
        if pixels <= MANY_PIXELS:
            decode()
            return
        turns.here().leave()
        decoding: Future[None] = Future()
        with self._lock:
            self._lines.setdefault(model, deque()).append((decoding, decode))
        self._threads.submit(self._next)
        try:
            decoding.result(max(0.0, deadline - time.monotonic()))
        except NotYetError:
            if decoding.cancel():
                raise DeadlineError(
                    "the deadline passed before there was room to decode pictures of that size"
                ) from None
            decoding.result()  # it has begun, and is soon done

    def _next(self) -> None:
        """Do what is first in the line whose turn it is, which goes behind the others then."""
        with self._lock:
            model, line = self._lines.popitem(last=False)
            decoding, decode = line.popleft()
            if line:
                self._lines[model] = line
        if not decoding.set_running_or_notify_cancel():
            return
        try:
            decode()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            decoding.set_exception(error)
        else:
            decoding.set_result(None)
