"""Signals where they are few and where they come late, as on Windows."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from serving import signals
from tests.modules import executed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal")


def anew() -> ModuleType:
    """Return the module once more, as it is where there are other signals."""
    return executed(Path(signals.__file__))


def test_ctrl_break_stops_where_there_is_such_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR2, raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        with anew().Signals(lambda: None) as taken:
            assert signal.getsignal(signal.SIGUSR2) is not signal.SIG_DFL
            os.kill(os.getpid(), signal.SIGUSR2)
            taken.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)


def test_the_main_thread_hears_signals_while_work_is_done() -> None:
    heard: list[int] = []
    came = threading.Event()

    def take(number: int, _frame: object) -> None:
        heard.append(number)
        came.set()

    def work() -> None:
        assert threading.current_thread() is not threading.main_thread()
        os.kill(os.getpid(), signal.SIGUSR2)
        assert came.wait(10)
        raise ValueError("a defect")

    before = signal.signal(signal.SIGUSR2, take)
    try:
        with pytest.raises(ValueError, match="a defect"):
            signals.hearing(work)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert heard == [signal.SIGUSR2]
