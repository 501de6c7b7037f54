"""The state of every version: a line of log for each change, and a picture of it all for other threads."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from serving.answer import ModelStatus
from serving.metering import Meter, NoMeter
from serving.repository import Candidate
from serving.states import State

_log = logging.getLogger(__name__)
_ALARMING = {State.REJECTED, State.FAILED}


@dataclass(frozen=True)
class _Record:
    candidate: Candidate
    state: State
    reason: str
    since: float


class Ledger:
    """Only the loader's thread writes; any thread may read `statuses`.

    Args:
        clock: in seconds, for durations.
        meter: is told of each new state.
    """

    def __init__(self, clock: Callable[[], float], meter: Meter | None = None) -> None:
        self._meter = meter or NoMeter()
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._lock = threading.Lock()
        self._statuses: tuple[ModelStatus, ...] | None = ()  # None when they are not current

    @property
    def statuses(self) -> tuple[ModelStatus, ...]:
        """Every version that is known."""
        with self._lock:  # thousands may change before anybody asks
            if self._statuses is None:
                self._statuses = tuple(_status(record) for record in self._records.values())
            return self._statuses

    def state(self, key: str) -> State | None:
        """Return the state of a version, None if it is not known."""
        record = self._records.get(key)
        return record.state if record else None

    def enter(self, candidate: Candidate, state: State, reason: str) -> None:
        """Note that a version is now in this state."""
        before = self._records.get(candidate.key)
        if before and (before.state, before.reason) == (state, reason):
            return
        now = self._clock()
        same = before is not None and before.state is state
        since = before.since if before and same else now
        with self._lock:
            self._records[candidate.key] = _Record(candidate, state, reason, since)
            self._statuses = None
        if not same:
            self._meter.state(candidate.name, candidate.version, state.value)
        if not same or state in _ALARMING:
            level = logging.WARNING if state in _ALARMING else logging.INFO
            self._log(level, candidate, state, reason, before, now)

    def reenter(self, key: str, state: State, reason: str) -> None:
        """Note a new state of a version that is known."""
        self.enter(self._records[key].candidate, state, reason)

    def keep(self, keys: set[str]) -> None:
        """Forget all versions but these."""
        gone = [key for key in self._records if key not in keys]
        with self._lock:
            for key in gone:
                del self._records[key]
                self._statuses = None

    def _log(
        self, level: int, candidate: Candidate, state: State, reason: str, before: _Record | None, now: float
    ) -> None:
        after = f" after {now - before.since:.3f} s {before.state}" if before else ""
        fields = {"model": candidate.name, "version": candidate.version, "state": state.value}
        title = f"{candidate.name} {candidate.version}".strip()
        _log.log(level, "%s: %s%s: %s", title, state, after, reason, extra=fields)


def _status(record: _Record) -> ModelStatus:
    spec = record.candidate.spec
    if spec is None:
        return ModelStatus(record.candidate.name, "", record.state.value, record.reason)
    return ModelStatus(
        name=spec.Model.ModelName,
        version=spec.Model.Version,
        state=record.state.value,
        reason=record.reason,
        sha256=spec.Graph.SHA256,
        type=spec.Model.ModelType,
        sites=tuple(spec.Model.Sites),
        size=(spec.Model.ImageWidth, spec.Model.ImageHeight),
        accuracy=spec.Metrics.Accuracy if spec.Metrics else None,
        golden=len(spec.Golden),
        latency=spec.Speed.Latency[0] if spec.Speed else None,
    )
