"""A model is tried in a child: whatever it does there, the parent goes on and says what happened."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.files import sha256
from engine.errors import EngineError, GraphError
from engine.preflight import Preflight, TrialLimits
from tests.conftest import Artifact
from tests.engine.bombs import bomb
from tests.engine.test_engine import _env


@pytest.fixture(scope="module")
def preflight() -> Iterator[Preflight]:
    """One that has its child running, so that short limits hold the models and not the start."""
    trial = Preflight()
    trial(*bomb("harmless"), 2)
    yield trial
    trial.close()


@pytest.fixture
def hasty(preflight: Preflight, monkeypatch: pytest.MonkeyPatch) -> Preflight:
    preflight(*bomb("harmless"), 2)  # starts a child if the test before has cost one
    monkeypatch.setattr(preflight, "_limits", TrialLimits(seconds=2.0))
    return preflight


def test_a_good_model_passes_again_and_again_in_one_child(preflight: Preflight, artifact: Artifact) -> None:
    (child,) = preflight._idle
    for _ in range(3):
        preflight(artifact.spec, artifact.graph, 8)
    assert preflight._idle == [child]


def test_a_model_that_is_refused_costs_no_child(preflight: Preflight, artifact: Artifact) -> None:
    (child,) = preflight._idle
    spec = artifact.spec.model_copy(update={"Golden": []})
    with pytest.raises(GraphError, match="its SHA-256 is"):
        preflight(spec, artifact.graph[:-1], 8)
    assert preflight._idle == [child]


def test_a_reason_of_any_length_comes_through(preflight: Preflight, artifact: Artifact) -> None:
    import tensorflow as tf  # noqa: PLC0415 - late

    (child,) = preflight._idle
    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    definition.node.add(name="n" * 70_000, op="ReadFile")
    graph = definition.SerializeToString()
    section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(graph)})
    with pytest.raises(GraphError, match="ReadFile"):
        preflight(artifact.spec.model_copy(update={"Graph": section, "Golden": []}), graph, 8)
    assert preflight._idle == [child]


def test_a_model_that_hangs_is_ended_at_its_limit(hasty: Preflight) -> None:
    with pytest.raises(GraphError, match=r"endless.pb: not done after 2 s of trial: it hangs"):
        hasty(*bomb("endless"), 2)


def test_a_model_that_crashes_tensorflow_is_refused_with_the_signal(preflight: Preflight) -> None:
    with pytest.raises(GraphError, match=r"fatal.pb: tensorflow crashed over it \(SIG\w+\): \S"):
        preflight(*bomb("fatal"), 2)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_model_that_eats_memory_is_refused(preflight: Preflight) -> None:
    with pytest.raises(
        GraphError, match=r"large\.pb: tensorflow cannot run it: OOM when allocating"
    ):  # tensorflow itself waits 10 s for memory before it gives up
        preflight(*bomb("large"), 2)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_where_memory_is_scarce_its_want_proves_nothing(preflight: Preflight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.preflight.memory_left", lambda: 0)
    preflight(*bomb("harmless"), 2)
    with pytest.raises(EngineError, match=r"large\.pb: .* could not be spared for it now") as caught:
        preflight(*bomb("large"), 2)
    assert type(caught.value) is EngineError


def test_an_answer_that_was_not_read_is_never_the_next_models(preflight: Preflight, artifact: Artifact) -> None:
    preflight(*bomb("harmless"), 2)
    (child,) = preflight._idle
    child._meanwhile = lambda: (_ for _ in ()).throw(OSError("no room"))
    with pytest.raises(OSError, match="no room"):
        preflight(artifact.spec, artifact.graph, 2)
    spec = artifact.spec.model_copy(update={"Golden": []})
    with pytest.raises(GraphError, match="its SHA-256 is"):  # not the passed trial of the model before
        preflight(spec, artifact.graph[:-1], 2)


def test_a_child_that_was_ended_is_not_kept(preflight: Preflight) -> None:
    preflight(*bomb("harmless"), 2)
    (child,) = preflight._idle
    child.end("nobody wants it any more")
    assert not child.alive
    preflight._idle.clear()
    child.bury()


def test_after_all_that_a_good_model_passes(preflight: Preflight) -> None:
    preflight(*bomb("harmless"), 2)
    assert [child.alive for child in preflight._idle] == [True]


def test_a_child_that_is_killed_during_a_trial_proves_nothing_about_the_model(preflight: Preflight) -> None:
    preflight(*bomb("harmless"), 2)
    (child,) = preflight._idle
    spec, graph = bomb("endless")
    killer = threading.Timer(0.3, child._process.kill)
    killer.start()
    with pytest.raises(EngineError, match="ended from outside") as caught:
        preflight(spec, graph, 2)
    assert not isinstance(caught.value, GraphError)
    preflight(*bomb("harmless"), 2)


def test_a_child_leaves_when_it_has_nothing_to_do_and_is_replaced() -> None:
    preflight = Preflight(TrialLimits(idle=0.05))
    preflight(*bomb("harmless"), 2)
    (child,) = preflight._idle
    assert child._process.wait(20) == 0
    preflight(*bomb("harmless"), 2)
    assert child not in preflight._idle
    preflight.close()


def test_a_model_that_hangs_keeps_no_other_waiting(preflight: Preflight) -> None:
    spec, graph = bomb("endless")
    failures: list[EngineError] = []

    def hang() -> None:
        with pytest.raises(EngineError, match="nobody wants it") as caught:
            preflight(spec, graph, 2)
        failures.append(caught.value)

    thread = threading.Thread(target=hang)
    thread.start()
    while not preflight._busy:
        time.sleep(0.01)
    preflight(*bomb("harmless"), 2)
    assert list(preflight._busy.values()) == [spec]  # still at it
    preflight.cancel(spec)
    thread.join(20)
    assert len(failures) == 1
    assert not isinstance(failures[0], GraphError)


def test_after_one_has_yielded_in_vain_none_yields_for_a_while(
    preflight: Preflight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "_limits", TrialLimits(patience=-1.0, start_patience=-1.0))  # any wait is too long
    with pytest.raises(EngineError, match="has waited -1 s for a processor") as caught:
        preflight(*bomb("endless"), 2, yielding=True)
    assert not isinstance(caught.value, GraphError)
    monkeypatch.undo()
    preflight(*bomb("harmless"), 2, yielding=True)
    assert not preflight._idle[-1].yielding


def test_the_start_of_a_child_is_waited_for_longer() -> None:
    preflight = Preflight(TrialLimits(patience=-1.0))
    preflight(*bomb("harmless"), 2, yielding=True)
    with pytest.raises(EngineError, match="has waited -1 s for a processor"):
        preflight(*bomb("endless"), 2, yielding=True)
    preflight.close()


def test_a_models_time_begins_when_its_child_has_started() -> None:
    trial = Preflight(TrialLimits(seconds=1.5))
    try:
        with pytest.raises(GraphError, match=r"endless.pb: not done after 1.5 s of trial: it hangs"):
            trial(*bomb("endless"), 2)
        trial(*bomb("harmless"), 2)
    finally:
        trial.close()


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are another matter elsewhere")
def test_a_child_that_yields_is_never_hurried_again(preflight: Preflight) -> None:
    preflight._hurry_until = 0.0
    preflight(*bomb("harmless"), 2)
    hurried = preflight._idle[-1]
    preflight(*bomb("harmless"), 2, yielding=True)
    assert preflight._idle[-1] is hurried  # it has stepped back
    assert os.sched_getscheduler(hurried.number) == os.SCHED_IDLE
    preflight(*bomb("harmless"), 2)
    assert preflight._idle[-1] is not hurried
    assert os.getpriority(os.PRIO_PROCESS, preflight._idle[-1].number) == min(19, 10 + os.nice(0))


def test_closing_ends_a_trial() -> None:
    preflight = Preflight()
    preflight(*bomb("harmless"), 2)
    (child,) = preflight._idle
    failures: list[EngineError] = []

    def run() -> None:
        with pytest.raises(EngineError, match="the service stops") as caught:
            preflight(*bomb("endless"), 2)
        failures.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.1)  # whether the trial has begun or not, it must end
    preflight.close()
    thread.join(20)
    assert len(failures) == 1
    assert child.has_left


@pytest.mark.skipif(sys.platform == "win32", reason="asks the system for a process in the POSIX way")
def test_the_child_does_not_outlive_its_parent() -> None:
    code = (
        "import os, sys, threading, time\nfrom engine.preflight import Preflight\nfrom tests.engine.bombs import bomb\n"
        "trial = Preflight(); trial(*bomb('harmless'), 2); print(trial._idle[0].number, flush=True)\n"
        "threading.Timer(0.5, os._exit, [9]).start(); trial(*bomb('endless'), 2)"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=_env(), cwd=root, timeout=60, check=False)
    assert done.returncode == 9, done.stderr
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_is_tried_after_the_end() -> None:
    preflight = Preflight()
    preflight.close()
    with pytest.raises(EngineError, match="the service stops"):
        preflight(*bomb("harmless"), 2)
