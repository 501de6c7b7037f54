"""Trying again what failed on the way."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from serving.client.results import ClientError, Patience

_T = TypeVar("_T")

_FIRST_PAUSE_SECONDS = 0.1


class AgainError(Exception):
    """An attempt failed that may be made again.

    Attributes:
        reason: what the caller gets to see if it was the last attempt.
        after: seconds to wait at least, as the service asked for.
    """

    def __init__(self, reason: ClientError, after: float = 0.0) -> None:
        super().__init__()
        self.reason = reason
        self.after = after


def patiently(attempt: Callable[[float], _T], patience: Patience) -> _T:
    """Make attempts until one succeeds, with growing pauses between them.

    Args:
        attempt: is given the seconds that are left; raises AgainError for what may be tried again.
        patience: how long, and how often.

    Raises:
        ClientError: the reason of the last attempt.
    """
    end = time.monotonic() + patience.seconds
    count = 0
    while True:
        try:
            return attempt(max(end - time.monotonic(), 0.001))
        except AgainError as again:
            # A random part of the pause, so that clients who were refused together do not come back together.
            pause = max(again.after, _FIRST_PAUSE_SECONDS * 2**count * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            if count == patience.retries or time.monotonic() + pause >= end:
                raise again.reason from again.__cause__
            time.sleep(pause)
            count += 1
