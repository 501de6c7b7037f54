"""A process that tries models, as its parent sees it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from engine.errors import EngineError, GraphError
from engine.patience import Watch
from engine.scratch import scratch_file

LENGTH_BYTES = 8  # of the number before each part of a request
MAX_LINE = 64 * 1024
YIELDING = "FOUNDRY_TRIAL_YIELDS"  # a variable
READY = b"ready\n"  # its first line
START_SECONDS = 60.0  # to import tensorflow takes 3, and several times as long on slow disks
_TAIL = 4096  # bytes of what a dying child had to say
_CRASHES = {
    -getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP")
    if hasattr(signal, name)
}
# Of Windows: access violation, in-page error, illegal instruction, division by zero, overflow of the stack, corrupt
# heap, fast fail; and 3, with which abort() ends.
_FAULTS = {3, 0xC0000005, 0xC0000006, 0xC000001D, 0xC0000094, 0xC00000FD, 0xC0000374, 0xC0000409}


class StarvedError(EngineError):
    """A trial has waited too long for a processor, which proves nothing about the model."""


class Child:
    """Runs `engine.trial`. One exchange at a time; `end` may come from any thread, and `bury` follows it.

    Args:
        meanwhile: done here while an answer is awaited.
        yielding: whether everything else on the machine goes before it.

    Attributes:
        yielding: the same; can be turned on later, never off.
        started: whether it has answered once.
        alive: whether another exchange may succeed.
    """

    def __init__(self, meanwhile: Callable[[], None], *, yielding: bool) -> None:
        self.yielding = yielding
        self.started = False
        self.alive = True
        self._meanwhile = meanwhile
        self._why = ""
        self._lock = threading.Lock()  # held through an exchange, so that its pipes are not closed under it
        self._said = scratch_file()  # closed when its writer is buried
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.trial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "MALLOC_ARENA_MAX": "2",
                YIELDING: "1" if yielding else "",
            },
            creationflags=_flags(yielding=yielding),
            # Ctrl-C and the end of a terminal are the service's to take. No session of its own: Linux shares processors
            # out among sessions (sched_autogroup), so that stepping back within it would be of no use to the service.
            process_group=0,
        )

    @property
    def number(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def has_left(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def exchange(self, request: Sequence[bytes], file: str, seconds: float, patience: float) -> bytes:
        """Send a request and return the answer; nothing if the child had left in good order.

        Args:
            request: in parts, each of which goes out after its length, and as it is: to put a graph together with
                anything would hold up all threads for as long as copying it takes.
            file: of the graph, for messages.
            seconds: that it may take, on its own clock, once the process has started.
            patience: seconds that it may wait for a processor.

        Raises:
            GraphError: the child crashed over it or took too long.
            StarvedError: it has waited too long.
            EngineError: the child ended for another reason, or did not start.
        """
        process = self._process
        assert process.stdin is not None  # noqa: S101 - for mypy: both are pipes
        assert process.stdout is not None  # noqa: S101
        ready = self.started
        with self._lock, Watch(process.pid, seconds if ready else START_SECONDS, patience, process.kill) as watch:
            # It has ended, and what it left behind says why. On Windows that is an invalid argument (bpo-19612).
            with contextlib.suppress(OSError, ValueError):
                for part in request:
                    process.stdin.write(len(part).to_bytes(LENGTH_BYTES, "big"))
                    process.stdin.write(part)
                process.stdin.flush()
            if self.alive:
                self._meanwhile()
            line = b"" if process.stdout.closed else process.stdout.readline(MAX_LINE)
            if line == READY:
                ready = True
                watch.begin_anew(seconds)
                line = process.stdout.readline(MAX_LINE)
        if line.endswith(b"\n"):
            self.started = True
            self.alive = self.alive and not watch.verdict  # it may have been ended right behind its answer
            return line
        said = self.bury()
        if self._why:
            raise EngineError(f"{file}: {self._why}")
        if watch.verdict == "hung" and self.yielding and not watch.tells_waiting:
            raise StarvedError(f"{file}: its trial was not done in time, and may have waited for a processor")
        if watch.verdict == "hung" and not ready:
            raise EngineError(f"{file}: the process that tries models was not ready after {START_SECONDS:g} s")
        if watch.verdict == "hung":
            raise GraphError(f"{file}: not done after {seconds:g} s of trial: it hangs, or is too slow")
        if watch.verdict == "starved":
            raise StarvedError(f"{file}: its trial has waited {patience:g} s for a processor")
        return _post_mortem(process.returncode, said, file)

    def end(self, why: str) -> None:
        """End the process; an exchange that is under way fails, and says why."""
        self._why = why
        self.alive = False
        self._process.kill()

    def bury(self) -> str:
        """Wait for a process that ends, and return the last of what it said; nothing the second time."""
        with self._lock:
            self._process.wait()
            self.alive = False
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):  # of what it did not read any more; as in `exchange`
                        pipe.close()
            if self._said.closed:
                return ""
            with self._said:
                self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _TAIL))
                return self._said.read().decode("utf-8", "replace")


def _flags(*, yielding: bool) -> int:
    if sys.platform == "win32":
        priority = subprocess.IDLE_PRIORITY_CLASS if yielding else subprocess.BELOW_NORMAL_PRIORITY_CLASS
        return priority | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0  # the child sees to it itself


def _post_mortem(code: int, said: str, file: str) -> bytes:
    if code == 0:
        return b""
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    if code == -getattr(signal, "SIGXCPU", signal.SIGTERM):
        raise GraphError(f"{file}: it used too much processor time in its trial")
    if _is_crash(code):
        raise GraphError(f"{file}: tensorflow crashed over it ({_cause(code)}): {_check_failure(said) or last}")
    raise EngineError(f"{file}: the process that tries models was ended from outside or failed: {last}")


def _is_crash(code: int) -> bool:
    """Whether a process ends so by what it does itself: what others send proves nothing about a model."""
    return code in _CRASHES or (sys.platform == "win32" and code & 0xFFFFFFFF in _FAULTS)


def _cause(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


def _check_failure(said: str) -> str:
    found = [line for line in said.splitlines() if "Check failed" in line]
    return found[-1].strip() if found else ""
