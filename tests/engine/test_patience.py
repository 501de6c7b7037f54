"""A trial's own clock stands still while it waits for a processor, and for nothing else."""

import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.patience import Look, Spent, Watch, look

HANGS = {
    "at work": [Look(second, second, True) for second in range(21)],
    "asleep": [Look(second, 0, False) for second in range(21)],
    "on several processors": [Look(second, 4 * second, True) for second in range(21)],
    "for a while not looked at": [Look(0, 0, False), *(Look(600 + second, 0, False) for second in range(20))],
}


def spent(looks: list[Look]) -> Spent:
    total = Spent()
    for before, now in itertools.pairwise(looks):
        total = total.plus(before, now)
    return total


@pytest.mark.parametrize("looks", HANGS.values(), ids=HANGS.keys())
def test_what_uses_its_own_time_up_hangs(looks: list[Look]) -> None:
    assert spent(looks) == Spent(20, 0)
    assert spent(looks).verdict(20, 5) == "hung"
    assert spent(looks).verdict(21, 5) == ""


def test_what_waits_for_a_processor_does_not_hang() -> None:
    waiting = spent([Look(0, 0, True), *(Look(second, 1, True) for second in range(1, 31))])
    assert waiting == Spent(1, 29)
    assert waiting.verdict(20, 30) == ""
    assert waiting.verdict(20, 29) == "starved"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_look_sees_work_and_sleep() -> None:
    ready = "print(flush=True)\n"
    with subprocess.Popen([sys.executable, "-c", f"{ready}while True: pass"], stdout=subprocess.PIPE) as busy:
        assert busy.stdout
        busy.stdout.readline()
        seen = look(busy.pid)
        while look(busy.pid).worked <= seen.worked:
            pass
        assert seen.in_line
        busy.kill()
    with subprocess.Popen(
        [sys.executable, "-c", f"import time\n{ready}time.sleep(60)"], stdout=subprocess.PIPE
    ) as idle:
        assert idle.stdout
        idle.stdout.readline()
        while look(idle.pid).in_line:
            pass
        idle.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_whose_main_thread_sleeps_while_another_works_is_in_line() -> None:
    work = "threading.Thread(target=exec, args=('while True: pass',)).start()"
    code = f"import threading\n{work}\nprint(flush=True)\nthreading.Event().wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as shared:
        assert shared.stdout
        shared.stdout.readline()
        looks = [look(shared.pid) for _ in range(5) if not time.sleep(0.02)]
        shared.kill()
    assert all(one.in_line for one in looks)


def test_a_watch_ends_what_is_overdue_and_leaves_the_rest() -> None:
    ended = threading.Event()
    with Watch(os.getpid(), 60, 60, ended.set) as patient:
        pass
    assert patient.verdict == ""
    assert not ended.is_set()
    with Watch(0, 0.05, 60, ended.set) as strict:  # a process that cannot be seen: all time is its own
        assert ended.wait(20)
    assert strict.verdict == "hung"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_process_that_has_ended_is_not_in_line() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert not look(gone.pid).in_line
