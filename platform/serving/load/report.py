"""Writes down a load: the CSV of the seeds, JSON, and a picture of latency over time."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from serving.load.samples import PERCENTILES, Sample, over_time

_COLUMNS = ("index", "text", "time", "total_ms", "recognition_ms", "request_ms")
_COLORS = ("#2456c9", "#2a9d6f", "#c98a24", "#b3261e")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 860, 380, 60, 40, 40  # pixels


def csv_text(samples: Sequence[Sample], started: datetime) -> str:
    """Return one line for each request: columns in the order of the seeds' file, with a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for sample in samples:
        moment = (started + timedelta(seconds=sample.due)).strftime("%Y-%m-%d@%H:%M:%S")
        text = sample.text if not sample.error else f"({sample.error})"
        times = [sample.total, sample.worked, sample.request]
        writer.writerow([sample.index, text, moment, *("" if time is None else f"{1000 * time:.3f}" for time in times)])
    return file.getvalue()


def json_text(found: Mapping[str, object], **about: object) -> str:
    """Return the summary of a run, with what was asked for."""
    return json.dumps({**about, **found}, indent=2) + "\n"


def svg_text(samples: Sequence[Sample], title: str) -> str:
    """Return a plot of the latency percentiles over time, as SVG."""
    seconds = max([1.0, *(sample.due for sample in samples)])
    slots = over_time(samples, max(1.0, seconds / 60))
    top = max([1e-3, *(value for values in slots.values() for value in values)]) * 1.05

    def x(second: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 90) * second / seconds

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for step in range(5):
        value = top * step / 4
        parts.append(f'<path d="M{_LEFT} {y(value):.1f}H{_WIDTH - 90}" stroke="#d9dfe8"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{1000 * value:.0f} ms</text>')
        second = seconds * step / 4
        parts.append(
            f'<text x="{x(second):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{second:.0f} s</text>'
        )
    for number, (percent, color) in enumerate(zip(PERCENTILES, _COLORS, strict=True)):
        points = " ".join(f"{x(start):.1f},{y(values[number]):.1f}" for start, values in slots.items())
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{_WIDTH - 80}" y="{_TOP + 18 * number + 12}" fill="{color}">{percent} %</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
