"""Giving memory back to the system."""

import ctypes
import gc
import sys

from engine.pauses import Pause


def release(pause: Pause) -> None:
    """Give what freed models leave behind back to the system, as far as it can be.

    A closed model's graph hangs in cycles of references. And the C library keeps freed memory for itself, so a process
    would stay as large as its largest moment; glibc can be asked for it.

    Args:
        pause: called before each of the two.
    """
    pause()
    gc.collect()
    pause()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)
