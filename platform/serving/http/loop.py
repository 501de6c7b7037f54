"""The wait for all sockets at once, in place of waitress's own loop.

waitress asks every connection before every wait what it waits for, so that each quiet connection makes every request
slower. Here a connection is asked only after something has happened to it. What nobody waits for any more is dropped
when it comes: a connection whose answer is being made is usually readable again before its next request arrives.
"""

import selectors
import time
from collections import deque
from heapq import nsmallest
from typing import Any

from waitress import wasyncore

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_AT_ONCE = 8  # connections that are seen to between two looks at who is there
_SHARE_AT_ONCE = 4  # but at least this part of a crowd: each look costs some time for each that is there
_GATHER_SECONDS = 0.005  # see `gather`
_LISTENERS_SECONDS = 0.1  # between two looks whether there is room for more connections


class Sockets(dict[int, Any]):
    """waitress's map from file descriptors to its objects, with the wait for them.

    Only the loop's thread may add, drop and turn; any thread may say that something has changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = selectors.DefaultSelector()
        self._waited: dict[int, int] = {}
        self._changed: deque[Any] = deque()
        self._listeners: list[Any] = []
        self._listeners_at = 0.0
        self._gathers = False
        self._dropped: deque[Any] = deque()

    def __setitem__(self, number: int, one: Any) -> None:  # noqa: ANN401 - waitress has no annotations
        super().__setitem__(number, one)
        self._changed.append(one)  # it is asked at the next turn: now it is still being made

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        if self._waited.pop(number, 0):
            self._selector.unregister(number)
        self._listeners_at = 0.0

    def listen(self, listener: Any) -> None:  # noqa: ANN401 - as above
        """Ask this object again and again: whether it accepts connections depends on the others."""
        self._listeners.append(listener)

    def note(self, one: Any) -> None:  # noqa: ANN401 - as above
        """Ask an object at the next turn what it waits for. Does not end a wait."""
        self._changed.append(one)

    def drop(self, one: Any) -> None:  # noqa: ANN401 - as above
        """Close an object at the next turn, ready or not. Does not end a wait."""
        self._dropped.append(one)

    def gather(self) -> None:
        """Let what comes within the next moment gather, to be seen to at once: none of it can be helped now.

        To wake for each request that is refused takes processors and their caches from the models again and again.
        """
        self._gathers = True

    def unheard(self, one: Any) -> bool:  # noqa: ANN401 - as above
        """Whether an object waits for something that the loop does not wait for."""
        number = one._fileno
        return self.get(number) is one and bool(_wanted(one) & ~self._waited.get(number, 0))

    def turn(self, seconds: float) -> None:
        """Wait until something happens, at most so long, and let the objects see to it."""
        self._close_those_dropped()
        self._ask_those_that_changed()
        if self._gathers:
            self._gathers = False
            time.sleep(_GATHER_SECONDS)
        ready = self._selector.select(seconds)
        # What is left over is still there at the next turn.
        at_once = max(_AT_ONCE, len(ready) // _SHARE_AT_ONCE)
        for key, happened in nsmallest(at_once, ready, key=self._answered_at):
            one: Any = self.get(key.fd)
            if not one:  # closed by what came before
                continue
            self._drop_unwanted(one, key.fd, happened)
            if happened & _READ and one.readable():
                wasyncore.read(one)
            still = self.get(key.fd) is one
            if happened & _WRITE and still and one.writable():
                wasyncore.write(one)
            self._ask(one)
        self._gathers &= len(ready) <= at_once

    def close(self) -> None:
        """Close everything."""
        wasyncore.close_all(self)
        self._selector.close()

    def _close_those_dropped(self) -> None:
        while self._dropped:
            one = self._dropped.popleft()
            there = self.get(one._fileno)
            if there and there is one:
                there.handle_close()

    def _ask_those_that_changed(self) -> None:
        now = time.monotonic()
        if now - self._listeners_at >= _LISTENERS_SECONDS:
            self._listeners_at = now
            self._changed.extend(self._listeners)
        for _ in range(len(self._changed)):
            self._ask(self._changed.popleft())

    def _ask(self, one: Any) -> None:  # noqa: ANN401 - as above
        number = one._fileno
        if self.get(number) is one:
            wanted = _wanted(one) | self._waited.get(number, 0)
            self._wait_for(number, wanted)

    def _answered_at(self, event: tuple[selectors.SelectorKey, int]) -> float:
        return float(getattr(self.get(event[0].fd), "answered_at", 0.0))  # listeners and the trigger first

    def _drop_unwanted(self, one: Any, number: int, happened: int) -> None:  # noqa: ANN401 - as above
        unwanted = happened & ~_wanted(one)
        if unwanted:
            self._wait_for(number, self._waited[number] & ~unwanted)
            self._ask(one)  # another thread may have changed it before it could see what was dropped

    def _wait_for(self, number: int, wanted: int) -> None:
        waited = self._waited.get(number, 0)
        if wanted == waited:
            return
        if not waited:
            self._selector.register(number, wanted)
        elif wanted:
            self._selector.modify(number, wanted)
        else:
            self._selector.unregister(number)
        self._waited[number] = wanted


def _wanted(one: Any) -> int:  # noqa: ANN401 - as above
    # A listening socket is never waited for to write.
    return (_READ if one.readable() else 0) | (_WRITE if one.writable() and not one.accepting else 0)
