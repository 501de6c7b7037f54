import os
import signal
import sys
import threading
from contextlib import suppress

import pytest

from engine import child as children
from engine.child import Child, StarvedError
from engine.errors import EngineError, GraphError
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


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("number", "kind"),
    [("SIGUSR1", EngineError), ("SIGTERM", EngineError), ("SIGKILL", EngineError), ("SIGSEGV", GraphError)],
)
def test_what_others_send_to_a_trial_proves_nothing_about_a_model(number: str, kind: type[EngineError]) -> None:
    child = Child(lambda: None, yielding=False)
    os.kill(child.number, getattr(signal, number))
    with pytest.raises(EngineError, match=r"a\.pb") as caught:
        child.exchange([b"12345678"], "a.pb", 10, 10)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("tells_waiting", "yielding", "kind"),
    [(True, True, EngineError), (False, False, EngineError), (False, True, StarvedError)],
)
def test_a_process_that_does_not_start_proves_nothing_about_a_model(
    tells_waiting: bool, yielding: bool, kind: type[EngineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "START_SECONDS", 0.2)
    monkeypatch.setattr(children.Watch, "tells_waiting", tells_waiting)
    child = Child(lambda: None, yielding=yielding)
    with pytest.raises(EngineError, match=r"a\.pb") as caught:
        child.exchange([b"12345678"], "a.pb", 60, 60)
    assert type(caught.value) is kind


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_trial_is_not_in_the_process_group_of_the_service() -> None:
    child = Child(lambda: None, yielding=False)
    assert os.getpgid(child.number) != os.getpgid(0)
    child.end("enough")
    child.bury()


def test_nothing_is_done_here_for_a_trial_that_has_been_ended() -> None:
    done: list[int] = []
    child = Child(lambda: done.append(1), yielding=False)
    child.end("nobody wants it")
    with pytest.raises(EngineError, match="nobody wants it"):
        child.exchange([b""], "a.pb", 10, 10)
    assert done == []
