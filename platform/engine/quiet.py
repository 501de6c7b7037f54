"""Imports tensorflow as the engine wants it: without its start-up chatter, and without one pool of threads for all.

It writes two lines about oneDNN to the process's standard error before any setting of its logs is looked at
(tensorflow issue 100442). They are taken out; anything else that it writes is passed on.
"""

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.scratch import scratch_file, temporary_folder_named

CHATTER = (b"All log messages before absl::InitializeLog()", b"oneDNN custom operations are on", b"cuda drivers")

_importing = threading.Lock()


@contextmanager
def chatter_dropped() -> Iterator[None]:
    """Hold back what is written to standard error inside, then write all of it but the known chatter.

    It works on the file descriptor, because the writer is a C++ library: use it around imports only.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with scratch_file() as held:
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held:
                if not any(known in line for known in CHATTER):
                    os.write(2, line)


def import_tensorflow() -> None:
    """Import tensorflow without keras, which it would import on the way if it is installed.

    Serving needs no keras, and the export's proof must not have it. A keras imported before stays.
    """
    with _importing:
        _import_once()


def _import_once() -> None:
    if "tensorflow" in sys.modules:
        return
    # Threads of its own for each model: from one pool for all, a run takes its turn behind the parts of another's run.
    os.environ.setdefault("TF_OVERRIDE_GLOBAL_THREADPOOL", "1")
    blocked = "keras" not in sys.modules
    if blocked:
        sys.modules["keras"] = None  # type: ignore[assignment] # an import of it is an ImportError, which tensorflow takes
    try:
        with chatter_dropped(), temporary_folder_named():
            import tensorflow  # noqa: F401, PLC0415 - the one place where it is imported late
        gc.freeze()  # what it made stays for good: each look of the collector at it would hold all threads up for 0.1 s
    finally:
        if blocked:
            del sys.modules["keras"]
