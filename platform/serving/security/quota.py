"""Quotas: a token bucket for each caller, in a table that cannot grow without end."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from contract.strict import StrictModel

CALLERS = 10_000  # remembered at most; one that is forgotten starts with a full bucket


class QuotaRule(StrictModel):
    """How often a caller may ask.

    Attributes:
        PerSecond: requests, on average.
        Burst: requests at once after a pause.
    """

    PerSecond: Annotated[float, Field(gt=0, le=1_000_000)]
    Burst: Annotated[int, Field(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class Bucket:
    """Tokens of one caller at a moment; each request takes one.

    Attributes:
        tokens: at that moment.
        at: the moment, in seconds.
    """

    tokens: float
    at: float


def take(bucket: Bucket, rule: QuotaRule, now: float) -> tuple[Bucket, float]:
    """Take one token.

    Args:
        bucket: as it was left.
        rule: how fast it fills, and how far.
        now: in seconds; a clock that goes back adds nothing.

    Returns:
        The bucket as it is now, and the seconds to wait: 0 if the token was there.
    """
    tokens = min(float(rule.Burst), bucket.tokens + max(0.0, now - bucket.at) * rule.PerSecond)
    if tokens >= 1:
        return Bucket(tokens - 1, now), 0.0
    return Bucket(tokens, now), (1 - tokens) / rule.PerSecond


class Quotas:
    """The buckets of all callers. Safe from many threads.

    Args:
        clock: in seconds; only differences matter.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def wait(self, caller: Hashable, rule: QuotaRule) -> float:
        """Count a request of a caller; return 0 if it may pass, else the seconds after which one may."""
        with self._lock:
            now = self._clock()
            before = self._buckets.pop(caller, Bucket(rule.Burst, now))
            self._buckets[caller], seconds = take(before, rule, now)
            if len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        return seconds
