"""The servers beside the platform: their processes, and connections that say nothing."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.peers import idle

CHILD = """
import subprocess
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are read from /proc")
def test_signals_reach_a_child_in_a_session_of_its_own() -> None:
    from benchmarks.peers import family  # noqa: PLC0415 - for Linux

    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        members = family.family(parent.pid)
        family.send(signal.SIGSTOP, members)
        stopped = [becomes(number, "T") for number in (parent.pid, child)]
        family.send(signal.SIGKILL, members)
    assert members.keys() == {parent.pid, child}
    assert stopped == [True, True]
    assert becomes(child, "Z")


def becomes(number: int, state: str) -> bool:
    """Tell whether a process comes into a state, or is gone."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            fields = Path(f"/proc/{number}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return state == "Z"
        if fields[0] == state:
            return True
        time.sleep(0.01)
    return False


def test_a_connection_is_open_until_the_other_side_closes_it() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert idle.is_open(here)
        there.close()
        assert not idle.is_open(here)
