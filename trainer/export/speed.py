"""Compares candidates in turns and puts what came of it into a table."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import engine
from contract.measured import SpeedSection
from contract.pixels import Pixels
from contract.spec import Arithmetic
from engine import Compute, Threads
from engine.arithmetic import cpu_has_bfloat16
from trainer.export.measure import Candidate, Job, Loaded, Worker, per_second, percentiles

BATCHES = (1, 8, 32)
SINGLE = Job(batch=1)
SETTINGS: Mapping[str, Threads] = {
    "latency": engine.LATENCY,
    "sequential": engine.SEQUENTIAL,
    "throughput": engine.THROUGHPUT,
}


@dataclass(frozen=True)
class Speed:
    """How fast a candidate is.

    Attributes:
        name: of the candidate.
        is_onnx: whether onnxruntime ran it.
        compute: the arithmetic.
        loaded: what loading took.
        latency: p50, p95 and p99 of one picture by one caller, in milliseconds.
        per_second: pictures per second by (batch, callers), the median of the rounds.
        rounds: p50 of one picture in milliseconds, and the best pictures per second, of each round.
    """

    name: str
    is_onnx: bool
    compute: Compute
    loaded: Loaded
    latency: tuple[float, float, float]
    per_second: Mapping[tuple[int, int], float]
    rounds: Sequence[tuple[float, float]]


def candidates(spec: Path, graph: Path, onnx: Path | None) -> Iterator[Candidate]:
    """Yield what this machine can compare: settings of the engine, and of onnxruntime if there is a file for it."""
    arithmetics: list[Arithmetic] = ["float32", "bfloat16"] if cpu_has_bfloat16() else ["float32"]
    for arithmetic in arithmetics:
        for name, threads in SETTINGS.items():
            yield Candidate(f"{arithmetic}, {name}", spec, graph, threads, arithmetic)
    if onnx:
        yield Candidate("onnxruntime, all cores", spec, onnx)
        yield Candidate("onnxruntime, one thread a call", spec, onnx, Threads(inside=1))


def jobs(callers: int) -> list[Job]:
    """Return what is measured: each batch by one caller, and by more of them."""
    several = [Job(batch, count) for count in range(2, callers + 1) for batch in BATCHES]
    return [*(Job(batch) for batch in BATCHES), *several]


def compare(
    chosen: Sequence[Candidate], pixels: Pixels, callers: int, rounds: int, done: Callable[[int], None]
) -> list[Speed]:
    """Measure candidates in turns, so that whatever else happens on the machine happens to all of them.

    Args:
        chosen: what to compare.
        pixels: uint8 [N, H, W, C], real pictures.
        callers: the most threads that call at the same time.
        rounds: how often each measurement is made.
        done: told how many measurements were made since it was told last.

    Raises:
        TrainerError: a candidate cannot be loaded or run; says why.
    """
    with ExitStack() as stack:
        workers = []
        loaded = []
        for candidate in chosen:  # one after the other: loading is measured too
            workers.append(stack.enter_context(Worker(candidate, pixels)))
            loaded.append(workers[-1].loaded())
        seconds: list[dict[Job, list[list[float]]]] = [{job: [] for job in jobs(callers)} for _ in workers]
        for _ in range(rounds):
            for job in jobs(callers):
                for worker, results in zip(workers, seconds, strict=True):
                    results[job].append(worker.measure(job))
                    done(1)
    return [_speed(*parts) for parts in zip(chosen, loaded, seconds, strict=True)]


def ratios(speeds: Sequence[Speed]) -> list[tuple[float, float]]:
    """Return (latency, throughput) of each candidate against onnxruntime's best setting; nothing if that is not there.

    Each is the median over the rounds, where both were measured one after the other. Latency below 1 and throughput
    above 1 is better than onnxruntime. Pure.
    """
    rivals = [speed.rounds for speed in speeds if speed.is_onnx]
    if not rivals:
        return []
    best = [(min(p50 for p50, _ in turn), max(rate for _, rate in turn)) for turn in zip(*rivals, strict=True)]
    result = []
    for speed in speeds:
        pairs = list(zip(speed.rounds, best, strict=True))
        latency = statistics.median(own / other for (own, _), (other, _) in pairs)
        throughput = statistics.median(own / other for (_, own), (_, other) in pairs)
        result.append((latency, throughput))
    return result


def table(speeds: Sequence[Speed]) -> str:
    """Return the comparison as lines of text. Pure."""
    cells = [[f"{batch} x {callers}" for batch, callers in speeds[0].per_second]]
    head = ["", "load ms", "first ms", "MB", "p50 ms", "p95", "p99", *cells[0]]
    against = ratios(speeds)
    rows = [head + (["latency", "throughput"] if against else [])]
    for number, speed in enumerate(speeds):
        loaded = speed.loaded
        row = [speed.name, f"{loaded.milliseconds:.0f}", f"{loaded.first_milliseconds:.0f}", f"{loaded.megabytes:.0f}"]
        row += [f"{value:.2f}" for value in speed.latency]
        row += [f"{rate:.0f}" for rate in speed.per_second.values()]
        rows.append(row + ([f"{ratio:.2f}" for ratio in against[number]] if against else []))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    notes = ["p50 to p99: one picture, one caller. 8 x 2: pictures per second in batches of 8 by 2 callers."]
    if against:
        notes.append(
            "latency, throughput: against onnxruntime's best setting, medians of the rounds; best of all rates."
        )
    return "\n".join([*lines, *notes])


def summary(speeds: Sequence[Speed], arithmetic: Arithmetic, machine: str) -> SpeedSection:
    """Return what the model YAML keeps: the best of the engine's settings in one arithmetic. Pure."""
    ours = [speed for speed in speeds if not speed.is_onnx and speed.compute == arithmetic]
    return SpeedSection(
        Machine=machine,
        Latency=[round(value, 3) for value in min(speed.latency for speed in ours)],
        PicturesPerSecond=round(max(rate for speed in ours for rate in speed.per_second.values()), 1),
    )


def as_json(speeds: Sequence[Speed]) -> list[dict[str, object]]:
    """Return the comparison as JSON values. Pure."""
    against: Sequence[tuple[float, float] | None] = ratios(speeds) or [None] * len(speeds)
    return [
        {
            "name": speed.name,
            "load_ms": speed.loaded.milliseconds,
            "first_ms": speed.loaded.first_milliseconds,
            "peak_mb": speed.loaded.megabytes,
            "latency_ms": dict(zip(("p50", "p95", "p99"), speed.latency, strict=True)),
            "pictures_per_second": [
                {"batch": batch, "callers": callers, "value": rate}
                for (batch, callers), rate in speed.per_second.items()
            ],
            "against_onnxruntime": ratio and {"latency": ratio[0], "throughput": ratio[1]},
        }
        for speed, ratio in zip(speeds, against, strict=True)
    ]


def _speed(candidate: Candidate, loaded: Loaded, seconds: Mapping[Job, list[list[float]]]) -> Speed:
    rates = {job: [per_second(turn, job) for turn in turns] for job, turns in seconds.items()}
    medians = {(job.batch, job.callers): statistics.median(values) for job, values in rates.items()}
    best = [max(turn) for turn in zip(*rates.values(), strict=True)]
    singles = seconds[SINGLE]
    latency = percentiles([value for turn in singles for value in turn])
    rounds = [(percentiles(turn)[0], rate) for turn, rate in zip(singles, best, strict=True)]
    return Speed(candidate.name, candidate.is_onnx, candidate.compute, loaded, latency, medians, rounds)
