"""Pauses within what takes long, for callers with requests to answer beside it.

To make a model ready takes some 50 ms of a processor, in part with Python's interpreter held. Done at once it makes a
queue of requests; in pieces with pauses between them no request waits for more than a piece.
"""

from collections.abc import Callable

Pause = Callable[[], None]
"""Called between two pieces; returns when the next one may begin."""


def no_pause() -> None:
    """Go on at once."""
