"""The loader steps back for requests: between the pieces of its work it pauses as long as some are in hand."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05
"""Twice as long as the longest piece takes beside requests, so that what has queued up meanwhile is answered."""


class Courtesy:
    """A pause of the loader, see `engine.pauses`. Only the loader's thread calls it.

    Args:
        in_hand: whether there are requests in hand.
        sleep: waits for so many seconds.
    """

    def __init__(self, in_hand: Callable[[], bool], sleep: Callable[[float], None] = time.sleep) -> None:
        self._in_hand = in_hand
        self._sleep = sleep
        self._ended = False

    def __call__(self) -> None:
        """Pause, unless nobody asks for anything at this moment."""
        if not self._ended and self._in_hand():
            self._sleep(PAUSE_SECONDS)

    def end(self) -> None:
        """Pause no more: the service stops, and waits for the loader. May come from any thread."""
        self._ended = True
