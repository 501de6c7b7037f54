"""curves.png: loss, accuracy and learning rate of a training, for a quick look without a browser."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.evaluation.history import Reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (9.0, 6.0)  # inches
DPI = 110


def png(history: Sequence[Reading], title: str) -> bytes:
    """Draw the readings of a training, at least one, and return the PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - late: it takes a second

    mpl.use("Agg")  # draws into memory: needs no display
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    steps = [line.step for line in history]
    upper, lower = figure.subplots(2, 1, sharex=True)
    _line(upper, steps, [100 * line.accuracy for line in history], "whole texts right, %")
    _line(lower, steps, [line.loss for line in history], "mean loss, nats")
    lower.set_yscale("log")
    lower.set_xlabel("step")
    rates = lower.twinx()
    rates.plot(steps, [line.rate for line in history], color="tab:gray", linestyle=":")
    rates.set_ylabel("learning rate (dotted)")
    best = max(line.accuracy for line in history)
    upper.set_title(f"{title}: best {best:.2%}, {history[-1].seconds / 60:.1f} minutes")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _line(axes: "Axes", steps: Sequence[int], values: Sequence[float], label: str) -> None:
    axes.plot(steps, values, marker=".")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
