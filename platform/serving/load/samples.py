"""When requests are due, and what their times come to. Pure."""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True)
class Sample:
    """One request. All times are in seconds.

    Attributes:
        index: of the request.
        due: when it should have started, from the start of the run.
        sent: when it did.
        done: when its answer was there.
        text: that was read; empty if it failed.
        error: why it failed, else empty.
        worked: how long the service says it worked on it; None if it does not say.
        right: whether the text is the picture's label; None if that is not known.
    """

    index: int
    due: float
    sent: float
    done: float
    text: str = ""
    error: str = ""
    worked: float | None = None
    right: bool | None = None

    @property
    def total(self) -> float:
        """From the moment it was due: what a client sees who does not wait for others."""
        return self.done - self.due

    @property
    def reply(self) -> float:
        """From the moment it was sent."""
        return self.done - self.sent

    @property
    def request(self) -> float | None:
        """What of the total the service did not work on it; None if it does not say how long it worked."""
        return None if self.worked is None else self.total - self.worked


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return when requests are due: independent of each other, `rate` a second on average (a Poisson process)."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    times: list[float] = []
    now = chance.expovariate(rate)
    while now < seconds:
        times.append(now)
        now += chance.expovariate(rate)
    return times


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed; nan of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def summary(samples: Sequence[Sample], seconds: float) -> dict[str, object]:
    """Return what a run comes to; times in milliseconds.

    Args:
        samples: of all its requests.
        seconds: how long requests were due.
    """
    good = [sample for sample in samples if not sample.error]
    judged = [sample.right for sample in good if sample.right is not None]
    end = max([seconds, *(sample.done for sample in samples)])
    return {
        "requests": len(samples),
        "answered": len(good),
        "offered_per_second": round(len(samples) / seconds, 2),
        "answered_per_second": round(len(good) / end, 2),
        "errors": dict(Counter(sample.error for sample in samples if sample.error).most_common()),
        "accuracy": sum(judged) / len(judged) if judged else None,
        "total_ms": _times([sample.total for sample in good]),
        "request_ms": _times([sample.request for sample in good if sample.request is not None]),
        "recognition_ms": _times([sample.worked for sample in good if sample.worked is not None]),
        "started_late_ms": _times([sample.sent - sample.due for sample in samples]),
    }


def over_time(samples: Sequence[Sample], width: float) -> Mapping[float, Sequence[float]]:
    """Return for each slot of `width` seconds, by its start, the percentiles of the total times that were due in it."""
    slots: dict[int, list[float]] = {}
    for sample in samples:
        if not sample.error:
            slots.setdefault(int(sample.due / width), []).append(sample.total)
    return {slot * width: [percentile(slots[slot], percent) for percent in PERCENTILES] for slot in sorted(slots)}


def _times(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    found = {f"p{percent}": percentile(values, percent) for percent in PERCENTILES}
    found |= {"mean": sum(values) / len(values), "max": max(values)}
    return {name: round(1000 * value, 3) for name, value in found.items()}
