"""A network as a picture: a box for each layer, and beside it how much of the work and of the numbers are its."""

import io
from typing import TYPE_CHECKING

from trainer.network.summary import LayerLine, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.3  # inches
WIDTH = 11.0  # inches
DPI = 110
BOX, GAP = 0.86, 0.035  # height of a box in rows; distance of a by-pass from the boxes, in widths of the left half

# Colours of what a layer is for; the others are gray.
COLOURS = {
    "Conv2D": "#4c78a8",
    "LSTM": "#b279a2",
    "GRU": "#b279a2",
    "Dense": "#e45756",
    "MaxPooling2D": "#72b7b2",
    "AveragePooling2D": "#72b7b2",
    "Concatenate": "#eeca3b",
}
OTHER = "#bab0ac"


def png(summary: Summary, title: str) -> bytes:
    """Draw a network and return the PNG.

    Args:
        summary: its layers.
        title: above the picture.
    """
    import matplotlib as mpl  # noqa: PLC0415 - late: it takes a second

    mpl.use("Agg")  # draws into memory: needs no display
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = len(summary.lines)
    figure = Figure(figsize=(WIDTH, ROW * (rows + 4)), dpi=DPI, layout="constrained")
    figure.suptitle(title)
    chain, work, numbers = figure.subplots(1, 3, sharey=True, width_ratios=(5, 2, 2))
    chain.set_ylim(rows - 0.5, -0.5)
    chain.set_xlim(0, 1)
    chain.set_axis_off()
    for number, line in enumerate(summary.lines):
        _box(chain, number, line)
    _shares(work, [line.multiply_adds for line in summary.lines], "multiply-adds of a picture", summary)
    _shares(numbers, [line.parameters for line in summary.lines], "parameters", summary)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def colour(line: LayerLine) -> str:
    """Return the colour of a layer's box."""
    return COLOURS.get(line.kind.partition(",")[0], OTHER)


def _box(axes: "Axes", number: int, line: LayerLine) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - late, as above

    axes.add_patch(Rectangle((0.1, number - BOX / 2), 0.88, BOX, facecolor=colour(line), alpha=0.35, edgecolor="black"))
    axes.text(0.13, number, f"{line.kind} {line.detail}".rstrip(), va="center", fontsize=8)
    axes.text(0.95, number, " x ".join(map(str, line.shape)), va="center", ha="right", fontsize=8)
    for source in line.inputs:
        if source != number - 1:  # goes past the layers between
            left = 0.1 - GAP * (1 + number % 2)
            axes.plot([0.1, left, left, 0.1], [source, source, number, number], color="gray", linewidth=0.8)


def _shares(axes: "Axes", values: list[int], title: str, summary: Summary) -> None:
    axes.barh(range(len(values)), values, height=BOX, color=[colour(line) for line in summary.lines])
    total = sum(values) or 1
    for number, value in enumerate(values):
        if value / total >= 0.005:
            axes.text(value, number, f" {value / total:.0%}", va="center", fontsize=8)
    axes.set_title(f"{title}: {total / 1e6:,.2f} M", fontsize=9)
    axes.set_xlim(0, max(values) * 1.2 or 1)
    axes.set_xticks([])
    axes.set_frame_on(False)
    axes.tick_params(left=False)
