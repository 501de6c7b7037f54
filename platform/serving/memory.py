"""Giving memory back to the system."""

import ctypes
import gc
import sys


def release() -> None:
    """Give what freed models leave behind back to the system, as far as it can be.

    A closed model's graph hangs in cycles of references. And the C library keeps freed memory for itself, so a process
    would stay as large as its largest moment; glibc can be asked for it.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)
