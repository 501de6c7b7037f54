"""T4: the process is killed without warning in each phase of an upgrade; the next one serves what the folders hold."""

import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.serving.rig import Shop, eventually
from tests.serving.test_daemon import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="waits for a line of log in the POSIX way"),
]

PHASES = ["settling", "discovered", "validating", "loading", "warming", "standby", "active", "draining", "unloaded"]


@pytest.fixture
def run(shop: Shop) -> Iterator[Callable[[], Running]]:
    started: list[Running] = []

    def start() -> Running:
        started.append(Running(shop, "--grpc-port", "off"))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.communicate(timeout=10)


@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_in_any_phase_is_made_good_by_the_next_start(run: Callable[[], Running], shop: Shop, phase: str) -> None:
    shop.publish(version="1.0")
    first = run()
    eventually(lambda: first.get("/v2/health/ready").status_code == 200, 30)
    shop.publish(version="2.0", delay=0.05)
    leaving = "1.0" if phase in {"draining", "unloaded"} else "2.0"
    assert first.process.stderr
    for line in first.process.stderr:
        if f"digits {leaving}: {phase}" in line:
            break
    else:
        pytest.fail(f"it never came to {phase}")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    second = run()
    eventually(lambda: second.get("/v2/health/ready").status_code == 200, 30)
    assert second.ask(3).json()["message"] == "digits2.0-3"
    assert sorted(path.name for path in [*shop.graph.iterdir(), *shop.model.iterdir()]) == ["digits.pb", "digits.yaml"]
    assert second.end() == 0
