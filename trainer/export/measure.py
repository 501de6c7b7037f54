"""Measures how fast a model reads, each in a process of its own: the thread pools of one must not disturb another.

A worker loads its candidate and then measures whenever it is asked, so that candidates can take turns and share
whatever else happens on the machine.
"""

import contextlib
import importlib
import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np

import engine
from contract.pixels import Pixels
from engine import Compute, Threads
from engine.quiet import import_tensorflow
from trainer.errors import TrainerError
from trainer.export.runtimes import Onnx

WARM_UP = 5  # calls that are not counted


@dataclass(frozen=True)
class Candidate:
    """A model in a runtime with its settings.

    Attributes:
        name: in tables.
        spec: the model YAML.
        file: the frozen graph, or an ONNX file.
        threads: of the frozen graph; of ONNX only `inside` counts.
        compute: arithmetic of the frozen graph.
    """

    name: str
    spec: Path
    file: Path
    threads: Threads = engine.LATENCY
    compute: Compute = "float32"

    @property
    def is_onnx(self) -> bool:
        """Whether onnxruntime runs it."""
        return self.file.suffix == ".onnx"


@dataclass(frozen=True)
class Loaded:
    """What loading took.

    Attributes:
        milliseconds: from the files to a model that can read, the library being imported already.
        first_milliseconds: of the first picture.
        megabytes: the process's largest memory so far; 0 where the system does not tell.
    """

    milliseconds: float
    first_milliseconds: float
    megabytes: float


@dataclass(frozen=True)
class Job:
    """Something to measure.

    Attributes:
        batch: pictures in a call.
        callers: threads that call at the same time.
        seconds: how long.
    """

    batch: int
    callers: int = 1
    seconds: float = 0.4


class Worker:
    """A process that has loaded a candidate. Use it with `with`."""

    def __init__(self, candidate: Candidate, pixels: Pixels) -> None:
        """Start the process; `pixels` uint8 [N, H, W, C] is what it reads, over and over."""
        self.candidate = candidate
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, candidate, pixels), daemon=True)
        self._process.start()
        theirs.close()

    def loaded(self) -> Loaded:
        """Wait for the process to have loaded its candidate."""
        return cast(Loaded, self._receive())

    def measure(self, job: Job) -> list[float]:
        """Return the seconds of each call, of all callers."""
        self._connection.send(job)
        return cast("list[float]", self._receive())

    def _receive(self) -> object:
        try:
            answer = self._connection.recv()
        except EOFError as error:
            raise TrainerError(f"the measuring of {self.candidate.name} ended early") from error
        if isinstance(answer, str):
            raise TrainerError(f"{self.candidate.name}: {answer}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(10)
        self._process.kill()


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return p50, p95 and p99 of some durations, in milliseconds. Pure."""
    p50, p95, p99 = np.percentile(np.asarray(seconds) * 1000, [50, 95, 99])
    return float(p50), float(p95), float(p99)


def per_second(seconds: Sequence[float], job: Job) -> float:
    """Return the pictures per second of a job, from the durations of all calls. Pure."""
    return len(seconds) * job.batch / (sum(seconds) / job.callers)


def _work(connection: Connection, candidate: Candidate, pixels: Pixels) -> None:
    try:
        read = _load_and_tell(connection, candidate, pixels)
        while True:
            connection.send(_run(read, pixels, connection.recv()))
    except (EOFError, BrokenPipeError):
        pass  # the other side has measured enough
    except Exception as error:  # noqa: BLE001 - onnxruntime's have no class in common; the other side tells it
        connection.send(f"{type(error).__name__}: {error}")


def _load_and_tell(connection: Connection, candidate: Candidate, pixels: Pixels) -> Callable[[Pixels], object]:
    # The import of the library is not part of the loading; that it is missing is told by who needs it.
    if not candidate.is_onnx:
        import_tensorflow()
    with contextlib.suppress(ImportError):
        importlib.import_module("onnxruntime" if candidate.is_onnx else "engine.recognizer")
    start = time.perf_counter()
    read: Callable[[Pixels], object]
    if candidate.is_onnx:
        read = Onnx(candidate.file, candidate.threads.inside).read
    else:
        read = engine.load(candidate.spec, candidate.file, threads=candidate.threads, compute=candidate.compute).logits
    loaded = time.perf_counter()
    read(pixels[:1])
    connection.send(Loaded((loaded - start) * 1000, (time.perf_counter() - loaded) * 1000, _peak_megabytes()))
    return read


def _run(read: Callable[[Pixels], object], pixels: Pixels, job: Job) -> list[float]:
    for _ in range(WARM_UP):
        read(_batch(pixels, 0, job.batch))
    durations: list[float] = []
    end = time.perf_counter() + job.seconds

    def call(first: int) -> None:
        number = first
        start = time.perf_counter()
        while number == first or start < end:  # once at least, however busy the machine
            read(_batch(pixels, number, job.batch))
            now = time.perf_counter()
            durations.append(now - start)
            number, start = number + job.callers, now

    callers = [threading.Thread(target=call, args=(first,)) for first in range(job.callers)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return durations


def _batch(pixels: Pixels, number: int, size: int) -> Pixels:
    return pixels[(number * size + np.arange(size)) % len(pixels)]


def _peak_megabytes() -> float:
    # Not getrusage: its peak goes on counting that of the process that started this one.
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return 0.0
    kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), "0")
    return int(kilobytes) / 1024
