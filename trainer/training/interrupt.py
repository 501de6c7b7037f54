"""Ctrl-C and a polite kill: the step is finished and the best model exported; a second one ends at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from trainer.progress import Progress


class Interrupt:
    """Whether somebody asked training to end.

    Attributes:
        requested: set by a signal, read between steps.
    """

    def __init__(self) -> None:
        self.requested = False


@contextmanager
def interruptible(progress: Progress) -> Iterator[Interrupt]:
    """Yield an Interrupt that SIGINT and SIGTERM set; outside, both have their former effect."""
    interrupt = Interrupt()
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask_to_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        interrupt.requested = True
        for known, handler in former.items():
            signal.signal(known, handler)
        progress.say("Stopping after this step; the best model so far will be exported. Once more ends at once.")

    for number in former:
        signal.signal(number, ask_to_stop)
    try:
        yield interrupt
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
