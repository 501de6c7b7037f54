"""Line charts as SVG, in the colours of the page that they stand in."""

import math
from collections.abc import Sequence

STYLE = """
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font:12px system-ui,sans-serif}
svg .grid{stroke:var(--line)}svg .line{fill:none;stroke:var(--accent);stroke-width:2}svg circle{fill:var(--accent)}
"""

WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 26, 26
TICKS = 4


def line_chart(title: str, xs: Sequence[float], ys: Sequence[float], *, logarithmic: bool = False) -> str:
    """Return a chart of at least two points; x rises, and y is above zero where it is logarithmic."""
    values = [math.log10(max(y, 1e-9)) if logarithmic else y for y in ys]
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = (low - 1, high) if high > 0 else (low, high + 1)  # no percentage beyond 0 or 100
    points = [
        (_scaled(x, xs[0], xs[-1], LEFT, WIDTH - RIGHT), _y(value, low, high))
        for x, value in zip(xs, values, strict=True)
    ]
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>step {step:,.0f}: {value:.4g}</title></circle>'
        for (x, y), step, value in zip(points, xs, ys, strict=True)
    )
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"><text x="4" y="14">{title}</text>'
        f"{_grid(low, high, logarithmic=logarithmic)}{_steps(xs)}"
        f'<polyline class="line" points="{path}"/>{dots}</svg>'
    )


def _grid(low: float, high: float, *, logarithmic: bool) -> str:
    values = [low + (high - low) * tick / TICKS for tick in range(TICKS + 1)]
    lines = ""
    for value, shown in zip(values, tick_labels([10**v if logarithmic else v for v in values]), strict=True):
        y = _y(value, low, high)
        lines += (
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
        )
    return lines


def tick_labels(values: Sequence[float]) -> list[str]:
    """Return the values as text, with as few digits as tell them apart, three at least."""
    for digits in range(3, 8):
        labels = [f"{value:.{digits}g}" for value in values]
        if len(set(labels)) == len(set(values)):
            break
    return labels


def _steps(xs: Sequence[float]) -> str:
    y = HEIGHT - 6
    return (
        f'<text x="{LEFT}" y="{y}">step {xs[0]:,.0f}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{xs[-1]:,.0f}</text>'
    )


def _y(value: float, low: float, high: float) -> float:
    return _scaled(value, low, high, HEIGHT - BOTTOM, TOP)


def _scaled(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (end - start) * (value - low) / (high - low or 1)
