"""What became of earlier attempts: bytes that are never tried again, and those to try again after a pause."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from serving.repository import Candidate
from serving.states import State

LONGEST_PAUSE = 60.0  # seconds
_MOST_DOUBLINGS = 10  # of the first pause, which is one second
_REMEMBERED = 1000  # rejected versions that are not on disk at this moment, and may come back


@dataclass(frozen=True)
class _Failure:
    count: int
    retry_at: float
    reason: str


class Attempts:
    """Remembers by key, which stands for the bytes: new bytes are new luck.

    Args:
        clock: in seconds; only differences matter.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rejected: dict[str, str] = {}
        self._failed: dict[str, _Failure] = {}

    def judge(self, candidate: Candidate) -> Candidate:
        """Return a complete candidate as REJECTED or FAILED while it must not be tried, else as it is."""
        if candidate.stage is not State.DISCOVERED:
            return candidate
        if reason := self._rejected.get(candidate.key):
            return replace(candidate, stage=State.REJECTED, reason=reason)
        failure = self._failed.get(candidate.key)
        if failure and failure.retry_at > self._clock():
            return replace(candidate, stage=State.FAILED, reason=failure.reason)
        return candidate

    def reject(self, key: str, reason: str) -> None:
        """Never try these bytes again."""
        self._failed.pop(key, None)
        self._rejected[key] = reason

    def fail(self, key: str, reason: str) -> None:
        """Try again after 1, 2, 4, ... and at last every 60 seconds."""
        count = self.count(key) + 1
        # A thousand attempts are made in a day, and two to the power of that is no float.
        pause = min(2.0 ** min(count - 1, _MOST_DOUBLINGS), LONGEST_PAUSE)
        self._failed[key] = _Failure(
            count, self._clock() + pause, f"{reason} (attempt {count}, again in {pause:.0f} s)"
        )

    def succeed(self, key: str) -> None:
        """Forget the failures of these bytes."""
        self._failed.pop(key, None)

    def forget(self, keep: set[str]) -> None:
        """Forget the failures of all keys but these, and of rejected versions beside these all but the latest."""
        away = [key for key in self._rejected if key not in keep]
        for key in away[: max(0, len(away) - _REMEMBERED)]:
            del self._rejected[key]
        self._failed = {key: failure for key, failure in self._failed.items() if key in keep}

    def count(self, key: str) -> int:
        """Return how often these bytes have failed."""
        failure = self._failed.get(key)
        return failure.count if failure else 0

    def pause(self, since: float) -> float:
        """Return the seconds until the next retry is due; infinite if there is none, and not above 0 if one is.

        Args:
            since: when it was last looked at what is due: what was so then is not wanted any more, or on trial.
        """
        to_come = [failure.retry_at for failure in self._failed.values() if failure.retry_at > since]
        return min(to_come, default=float("inf")) - self._clock()
