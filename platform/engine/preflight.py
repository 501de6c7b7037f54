"""Tries a model in a child process first: one that crashes tensorflow, hangs or eats memory harms nobody there.

The child (`engine.trial`) stays for the next model until it has been idle for a while, because it takes seconds to
start. The first trial starts it, and imports tensorflow here meanwhile, where it will be needed next.
"""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import IO

from contract.spec import ModelSpec
from engine.errors import EngineError, GraphError
from engine.quiet import import_tensorflow

LENGTH_BYTES = 8  # of the number before a request
MAX_LINE = 64 * 1024
_TAIL = 4096  # bytes of what a dying child had to say


@dataclass(frozen=True)
class TrialLimits:
    """What a model may use before it has proven itself.

    Attributes:
        seconds: on the clock, for everything; the same on each core's clock.
        memory: bytes beside what tensorflow itself takes. Held on Linux only.
        idle: seconds that the child waits for another model before it ends.
    """

    seconds: float = 60.0
    memory: int = 4 * 1024**3
    idle: float = 30.0


@dataclass(frozen=True)
class Request:
    """One trial, as it is sent to the child."""

    model: ModelSpec
    graph: bytes
    max_batch: int
    limits: TrialLimits


class Preflight:
    """Tries models, one at a time. Call `close` at the end; it may come from another thread and ends a trial.

    Args:
        limits: of each trial.
    """

    def __init__(self, limits: TrialLimits | None = None) -> None:
        self._limits = limits or TrialLimits()
        self._trying = threading.Lock()  # held through a trial, so that its pipes are not closed under it
        self._lock = threading.Lock()  # of what follows
        self._child: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._closed = False

    def __call__(self, model: ModelSpec, graph: bytes, max_batch: int) -> None:
        """Open a model, run it at batch 1 and the largest, and read its golden pictures, all in the child.

        Args:
            model: its description.
            graph: the bytes of its .pb.
            max_batch: the largest batch that it will see, in pictures.

        Raises:
            GraphError: these bytes can never be served here.
            EngineError: the trial itself failed, through no proven fault of the model.
        """
        content = pickle.dumps(Request(model, graph, max_batch, self._limits))
        request = len(content).to_bytes(LENGTH_BYTES, "big") + content
        file = model.Graph.File
        with self._trying:
            # Nothing comes of it if the child's idle time was over at this very moment.
            line = self._exchange(request, file) or self._exchange(request, file)
        if not line:
            raise EngineError(f"{file}: the process that tries models ends by itself")
        outcome = json.loads(line)
        if outcome["reason"]:
            raise (GraphError if outcome["hopeless"] else EngineError)(outcome["reason"])

    def close(self) -> None:
        """End the child; a trial that is under way fails."""
        with self._lock:
            self._closed = True
            child = self._child
        if child:
            child.kill()
            with self._trying:
                self._bury(child)

    def _exchange(self, request: bytes, file: str) -> bytes:
        """Send a request and return the answer; nothing if the child had left in good order.

        Raises:
            GraphError: the child crashed over it or took too long.
            EngineError: the child ended for another reason.
        """
        child = self._living()
        assert child.stdin is not None  # noqa: S101 - for mypy: both are pipes
        assert child.stdout is not None  # noqa: S101
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            child.kill()

        timer = threading.Timer(self._limits.seconds, expire)
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended: what it left behind says why
                child.stdin.write(request)
                child.stdin.flush()
            import_tensorflow()
            line = child.stdout.readline(MAX_LINE)
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            return line
        said = self._bury(child)
        if self._closed:
            raise EngineError(f"{file}: the service stops")
        if expired.is_set():
            raise GraphError(f"{file}: not done after {self._limits.seconds:g} s of trial: it hangs, or is too slow")
        return self._post_mortem(child.returncode, said, file)

    def _living(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise EngineError("the service stops")
            if self._child is None:
                self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when its writer is buried
                self._child = subprocess.Popen(
                    [sys.executable, "-P", "-m", "engine.trial"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._said,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MALLOC_ARENA_MAX": "2"},
                )
            return self._child

    def _bury(self, child: subprocess.Popen[bytes]) -> str:
        """Wait for a child that ends, and return the last of what it said."""
        if self._child is not child or self._said is None:
            return ""  # the trial that it was killed in has done so
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):  # of what it did not read any more
                    pipe.close()
        end = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, end - _TAIL))
        said = self._said.read().decode("utf-8", "replace")
        self._said.close()
        with self._lock:
            self._child = self._said = None
        return said

    def _post_mortem(self, code: int, said: str, file: str) -> bytes:
        if code == 0:
            return b""
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        if code in {-signal.SIGTERM, -getattr(signal, "SIGKILL", signal.SIGTERM), 1}:
            raise EngineError(f"{file}: the process that tries models was ended from outside or failed: {last}")
        if code == -getattr(signal, "SIGXCPU", signal.SIGTERM):
            raise GraphError(f"{file}: it used too much processor time in its trial")
        raise GraphError(f"{file}: tensorflow crashed over it ({_cause(code)}): {_check_failure(said) or last}")


def _cause(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


def _check_failure(said: str) -> str:
    found = [line for line in said.splitlines() if "Check failed" in line]
    return found[-1].strip() if found else ""
