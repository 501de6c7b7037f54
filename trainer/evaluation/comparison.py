"""Several trainings beside each other: what differs in their configs, and how each one went."""

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.measured import MetricsSection, SpeedSection
from trainer.evaluation.history import Reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (10.0, 7.0)  # inches
DPI = 110
LONGEST = 24  # characters of a value that are shown
NAMES = frozenset({"Model.ModelName", "Model.Version"})  # differ always, and stand in the heading


@dataclass(frozen=True)
class Training:
    """One run.

    Attributes:
        name: that tells it from the others.
        config: its resolved config as a tree.
        history: its readings of the test set, at least one.
        metrics: of the exported model; None if there is none, or none of this training.
        speed: likewise, if it was measured.
        size: of the exported graph in bytes; likewise.
    """

    name: str
    config: Mapping[str, Any]
    history: Sequence[Reading]
    metrics: MetricsSection | None
    speed: SpeedSection | None
    size: int | None


def rows(trainings: Sequence[Training]) -> list[tuple[str, list[str]]]:
    """Return a table: the name of each row, and a cell for each training. What is equal everywhere is not in it."""
    return [*_differing([training.config for training in trainings]), *_results(trainings)]


def _differing(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    flat = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for config in flat for key in config)
    table = [(key, [_text(config.get(key)) for config in flat]) for key in keys if key not in NAMES]
    return [(key, _shown(texts)) for key, texts in table if len(set(texts)) > 1]


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            result |= _flat(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = value
    return result


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _shown(texts: Sequence[str]) -> list[str]:
    """Shorten texts in the middle, or to where they begin to differ; not at all if different ones look alike then."""
    equal = itertools.takewhile(lambda symbols: len(set(symbols)) == 1, zip(*texts, strict=False))
    begin = max(0, len(list(equal)) - LONGEST // 4)
    for short in ([_ends(text) for text in texts], [_from(text, begin) for text in texts]):
        if len(set(short)) == len(set(texts)):
            return short
    return list(texts)


def _ends(text: str) -> str:
    half = (LONGEST - 3) // 2
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3 - half]}...{text[-half:]}"


def _from(text: str, begin: int) -> str:
    rest = text[begin:]
    return f"...{rest}" if len(rest) <= LONGEST - 3 else f"...{rest[: LONGEST - 6]}..."


def _results(trainings: Sequence[Training]) -> list[tuple[str, list[str]]]:
    table: list[tuple[str, list[str]]] = [
        ("steps", [f"{item.history[-1].step:,}" for item in trainings]),
        ("minutes", [f"{item.history[-1].seconds / 60:.1f}" for item in trainings]),
        ("best test reading", [f"{max(line.accuracy for line in item.history):.2%}" for item in trainings]),
        ("exported", [f"{item.metrics.Accuracy:.2%}" if item.metrics else "-" for item in trainings]),
        ("95 % interval", [_interval(item.metrics) for item in trainings]),
        ("character errors", [f"{item.metrics.CharacterErrorRate:.3%}" if item.metrics else "-" for item in trainings]),
        ("test pictures", [f"{item.metrics.Pictures:,}" if item.metrics else "-" for item in trainings]),
        ("graph, MB", [f"{item.size / 1e6:.2f}" if item.size else "-" for item in trainings]),
    ]
    if any(item.speed for item in trainings):
        table += [
            ("p50, ms", [f"{item.speed.Latency[0]:.2f}" if item.speed else "-" for item in trainings]),
            ("pictures/s", [f"{item.speed.PicturesPerSecond:,.0f}" if item.speed else "-" for item in trainings]),
        ]
    return table


def _interval(metrics: MetricsSection | None) -> str:
    if metrics is None:
        return "-"
    low, high = metrics.AccuracyInterval
    return f"{low:.2%} to {high:.2%}"


def png(trainings: Sequence[Training]) -> bytes:
    """Draw accuracy and loss of all trainings, over steps and over minutes, and return the PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - late: it takes a second

    mpl.use("Agg")  # draws into memory: needs no display
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    grid = figure.subplots(2, 2, sharex="col", sharey="row")
    for item in trainings:
        accuracy = [100 * line.accuracy for line in item.history]
        loss = [line.loss for line in item.history]
        for column, xs in enumerate(
            ([line.step for line in item.history], [line.seconds / 60 for line in item.history])
        ):
            grid[0][column].plot(xs, accuracy, marker=".", label=item.name)
            grid[1][column].plot(xs, loss, marker=".")
    _label(grid[0][0], y="whole texts right, %")
    _label(grid[0][1])
    _label(grid[1][0], x="step", y="mean loss, nats")
    _label(grid[1][1], x="minutes")
    grid[1][0].set_yscale("log")
    grid[0][0].legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _label(axes: "Axes", x: str = "", y: str = "") -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
