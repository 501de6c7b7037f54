"""What commands write: any symbol, wherever it goes."""

import io
import os
import sys


def take_any_symbol() -> None:
    """Let standard output and error take every symbol, where their encoding cannot say it as an escape.

    What goes into a file or a pipe is UTF-8: Windows would take a code page of 256 symbols. Names of files may have
    bytes in them that are no text at all.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so without a console
            chosen = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if chosen else "utf-8", errors="backslashreplace")
