"""Tries a model in a child process first: one that crashes tensorflow, hangs or eats memory harms nobody there.

A child (`engine.trial`) stays for the next model until it has been idle for a while, because it takes seconds to
start. The first trial starts it, and imports tensorflow here meanwhile, where it will be needed next.
"""

import json
import pickle
import threading
import time
from dataclasses import dataclass

from contract.spec import ModelSpec
from engine.child import Child, StarvedError
from engine.errors import EngineError, GraphError
from engine.quiet import import_tensorflow
from engine.room import NOT_SPARED, lacks_memory, memory_left, within_what_is_left

_HURRIED_SECONDS = 600.0  # after a trial has yielded in vain: the machine has no time to spare


@dataclass(frozen=True)
class TrialLimits:
    """What a model may use before it has proven itself.

    Attributes:
        seconds: for everything, on the trial's own clock, which stands still while it waits for a processor (Linux
            only; elsewhere on the clock of the wall).
        memory: bytes beside what tensorflow itself takes; less where machine or container have less left, see
            `room`. Held on Linux only.
        idle: seconds that the child waits for another model before it ends.
        patience: seconds that a trial which yields may wait for a processor.
        start_patience: the same of one whose child has yet to start, which takes seconds of processor time.
        long_patience: the same of one that does not. What waits longer is given up: nothing is proven about the model.
    """

    seconds: float = 60.0
    memory: int = 4 * 1024**3
    idle: float = 30.0
    patience: float = 5.0
    start_patience: float = 15.0
    long_patience: float = 600.0

    def wait(self, *, yielding: bool, started: bool) -> float:
        """Return for how many seconds a trial may wait for a processor."""
        if not yielding:
            return self.long_patience
        return self.patience if started else self.start_patience


@dataclass(frozen=True)
class Request:
    """One trial, as it is sent to the child. The bytes of the graph follow."""

    model: ModelSpec
    max_batch: int
    limits: TrialLimits


class Preflight:
    """Tries models; each call has a child of its own meanwhile, so a model that hangs keeps no other waiting.

    Safe from many threads. Call `close` at the end: it ends what is under way.

    Args:
        limits: of each trial.
    """

    def __init__(self, limits: TrialLimits | None = None) -> None:
        self._limits = limits or TrialLimits()
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: dict[Child, ModelSpec] = {}
        self._closed = False
        self._hurry_until = 0.0  # on the clock of time.monotonic()

    def __call__(self, model: ModelSpec, graph: bytes, max_batch: int, *, yielding: bool = False) -> None:
        """Open a model, run it at batch 1 and the largest, and read its golden pictures, all in a child.

        Args:
            model: its description.
            graph: the bytes of its .pb.
            max_batch: the largest batch that it will see, in pictures.
            yielding: whether everything else on the machine goes first.

        Raises:
            GraphError: these bytes can never be served here.
            EngineError: the trial itself failed, through no proven fault of the model.
        """
        spare = within_what_is_left(self._limits.memory, memory_left())
        try:
            self._try(Request(model, max_batch, self._limits), graph, yielding=yielding)
        except GraphError as error:
            if spare < self._limits.memory and lacks_memory(str(error)):
                raise EngineError(f"{error}; {NOT_SPARED.format(spare)}") from error
            raise

    def _try(self, request: Request, graph: bytes, *, yielding: bool) -> None:
        file = request.model.Graph.File
        line = b""
        for _ in range(2):  # nothing comes of it if the child's idle time was over at this very moment
            line = line or self._exchange(request, graph, yielding=yielding)
        if not line:
            raise EngineError(f"{file}: the process that tries models ends by itself")
        outcome = json.loads(line)
        if outcome["reason"]:
            raise (GraphError if outcome["hopeless"] else EngineError)(outcome["reason"])

    def cancel(self, model: ModelSpec) -> None:
        """End the trial of a model, if it is under way: it fails."""
        with self._lock:
            # Before the lock goes: a child that is done by then is the next model's.
            for child in [child for child, tried in self._busy.items() if tried is model]:
                child.end("nobody wants it any more")

    def close(self) -> None:
        """End all children; the trials that are under way fail."""
        with self._lock:
            self._closed = True
            idle, busy = [*self._idle], [*self._busy]
            self._idle.clear()
        for child in [*idle, *busy]:
            child.end("the service stops")
        for child in idle:  # the others are buried by their trials, which may first have to finish an import
            child.bury()

    def _exchange(self, request: Request, graph: bytes, *, yielding: bool) -> bytes:
        limits = self._limits
        yielding = yielding and time.monotonic() >= self._hurry_until
        parts = [pickle.dumps((request, yielding)), graph]
        child = self._take(request.model, yielding=yielding)
        wait = limits.wait(yielding=yielding, started=child.started)
        line: bytes | None = None
        try:
            line = child.exchange(parts, request.model.Graph.File, limits.seconds, wait)
        except StarvedError:
            self._hurry_until = time.monotonic() + _HURRIED_SECONDS
            raise
        finally:
            with self._lock:
                del self._busy[child]
                # Without its answer read, the next model would get it.
                keep = line is not None and child.alive and not self._closed
                if keep:
                    self._idle.append(child)
            if not keep:
                child.end("")
                child.bury()
        return line

    def _take(self, model: ModelSpec, *, yielding: bool) -> Child:
        with self._lock:
            if self._closed:
                raise EngineError("the service stops")
            for child in [child for child in self._idle if child.has_left]:
                self._idle.remove(child)
                child.bury()
            # One that lets everything go first can never be hurried again.
            fit = sorted((one for one in self._idle if yielding or not one.yielding), key=lambda one: one.yielding)
            child = fit[-1] if fit else Child(import_tensorflow, yielding=yielding)
            if fit:
                self._idle.remove(child)
            child.yielding = yielding
            self._busy[child] = model
            return child
