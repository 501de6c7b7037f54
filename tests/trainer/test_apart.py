"""The check before a training, in its own process: Ctrl-C ends it at once."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from trainer.progress import Silent
from trainer.training import apart


def take_long(begun: Path, ended: Path) -> str:
    begun.touch()
    time.sleep(10)
    ended.touch()
    return "done"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_does_not_wait_for_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    monkeypatch.setattr(apart, "_check", take_long)
    before = {*multiprocessing.active_children()}

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    given: Any = (begun, ended)
    with pytest.raises(KeyboardInterrupt):
        apart.check(*given, Silent())
    assert not ended.exists()
    assert {*multiprocessing.active_children()} <= before
