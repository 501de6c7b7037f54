"""Ctrl-C and a polite kill: the step is finished and the best model exported; a second one ends at once."""

import signal
import threading
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


@contextmanager
def ending() -> Iterator[None]:
    """Let Ctrl-C end what is inside as KeyboardInterrupt, whatever the code that it hits makes of it.

    Keras builds a network while it catches errors, and would raise a TypeError about its layers instead.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):  # another program's own way with signals, which stays
        yield
        return
    interrupt = Interrupt()

    def end(number: int, frame: FrameType | None) -> None:
        interrupt.requested = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    except Exception as error:
        if interrupt.requested:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
