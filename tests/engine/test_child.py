import threading
from contextlib import suppress

import pytest

from engine.child import Child
from engine.errors import EngineError
from engine.preflight import Preflight
from tests.engine.bombs import bomb


def test_closing_does_not_wait_for_what_is_done_here_during_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        gate.wait(20)

    monkeypatch.setattr("engine.preflight.import_tensorflow", slow)
    preflight = Preflight()

    def run() -> None:
        with suppress(EngineError):
            preflight(*bomb("harmless"), 2)

    trial = threading.Thread(target=run)
    trial.start()
    assert begun.wait(20)
    (child,) = preflight._busy
    closing = threading.Thread(target=preflight.close)
    closing.start()
    closing.join(10)
    in_time = not closing.is_alive()
    gate.set()
    trial.join(20)
    closing.join(20)
    assert in_time
    assert child.has_left
    assert child._said.closed  # buried by its trial


def test_nothing_is_done_here_for_a_trial_that_has_been_ended() -> None:
    done: list[int] = []
    child = Child(lambda: done.append(1), yielding=False)
    child.end("nobody wants it")
    with pytest.raises(EngineError, match="nobody wants it"):
        child.exchange([b""], "a.pb", 10, 10)
    assert done == []
