"""T4: the process is killed without warning in each phase of an upgrade; the next one serves what the folders hold."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.files import write_atomically
from contract.spec import dump
from tests.conftest import Artifact
from tests.serving.rig import Shop, eventually
from tests.serving.test_daemon import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="waits for a line of log in the POSIX way"),
]

PHASES = ["settling", "discovered", "validating", "loading", "warming", "standby", "active", "draining", "unloaded"]


@pytest.fixture
def run(shop: Shop) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**how: str) -> Running:
        started.append(Running(shop, "--grpc-port", "off", **how))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.communicate(timeout=10)


@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_in_any_phase_is_made_good_by_the_next_start(
    run: Callable[..., Running], shop: Shop, phase: str
) -> None:
    shop.publish(version="1.0")
    first = run()
    eventually(lambda: first.get("/v2/health/ready").status_code == 200, 30)
    shop.publish(version="2.0", delay=0.05)
    kill_in(first, "digits", phase)
    second = run()
    eventually(lambda: second.get("/v2/health/ready").status_code == 200, 30)
    assert second.ask(3).json()["message"] == "digits2.0-3"
    assert sorted(path.name for path in [*shop.graph.iterdir(), *shop.model.iterdir()]) == ["digits.pb", "digits.yaml"]
    assert second.end() == 0


def kill_in(running: Running, name: str, phase: str) -> None:
    """Wait until an upgrade from 1.0 to 2.0 has come to a phase, and kill the process."""
    leaving = "1.0" if phase in {"draining", "unloaded"} else "2.0"
    assert running.process.stderr
    for line in running.process.stderr:
        if f"{name} {leaving}: {phase}" in line:
            break
    else:
        pytest.fail(f"it never came to {phase}")
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(10)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("phase", PHASES)
def test_the_real_engine_is_killed_in_any_phase(
    run: Callable[..., Running], shop: Shop, artifact: Artifact, phase: str
) -> None:
    def publish(version: str) -> None:
        model = artifact.spec.Model.model_copy(update={"Version": version})
        write_atomically(shop.graph / artifact.spec.Graph.File, artifact.graph)
        write_atomically(shop.model / "small.yaml", dump(artifact.spec.model_copy(update={"Model": model})))

    def active(running: Running) -> list[str]:
        models = running.get("/v2/models").json()["models"]
        return [model["version"] for model in models if model["state"] == "active"]

    publish("1.0")
    first = run(module="serving")
    eventually(lambda: first.get("/v2/health/ready").status_code == 200, 60)
    trials = trials_of(first.process.pid)
    assert len(trials) == 1
    publish("2.0")
    kill_in(first, "small", phase)
    eventually(lambda: not any(Path(f"/proc/{number}").exists() for number in trials), 30)  # it goes with its parent
    second = run(module="serving")
    eventually(lambda: active(second) == ["2.0"], 60)
    files = sorted(path.name for path in [*shop.graph.iterdir(), *shop.model.iterdir()])
    assert files == ["small.yaml", artifact.spec.Graph.File]
    assert second.end() == 0


def trials_of(parent: int) -> list[int]:
    """Process numbers of the trials that a service has running."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    numbers = [int(number) for path in children for number in path.read_text().split()]
    return [number for number in numbers if b"engine.trial" in Path(f"/proc/{number}/cmdline").read_bytes()]
