import os
import sys
import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from contract.pixels import Pixels
from engine.reading import Reading
from serving import priority
from serving.batcher import Batcher
from serving.core_settings import BatchingSection

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no niceness of their own")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_model_is_run_behind_the_threads_of_the_transports() -> None:
    seen = []

    def read(pixels: Pixels) -> Sequence[Reading]:
        seen.append(niceness())
        return [Reading("", 1.0)] * len(pixels)

    batcher = Batcher(read, BatchingSection(Workers=1), "digits")
    try:
        batcher.wait(batcher.submit([np.zeros((2, 3, 1), np.uint8)], time.monotonic() + 30))
    finally:
        batcher.close()
    assert seen == [min(19, niceness() + priority.NICENESS)]


def test_what_a_thread_makes_that_stepped_back_steps_back_no_further() -> None:
    seen = []

    def compute() -> None:
        priority.step_back()
        seen.append(niceness())
        if len(seen) == 1:
            inner = threading.Thread(target=compute)
            inner.start()
            inner.join()

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert seen == [min(19, niceness() + priority.NICENESS)] * 2


def test_a_sandbox_that_allows_no_change_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    before = niceness()
    priority.step_back()
    assert niceness() == before
