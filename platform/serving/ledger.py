"""The state of every version: a line of log for each change, and a picture of it all for other threads."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from serving.answer import ModelStatus
from serving.metering import Meter, NoMeter
from serving.repository import Candidate
from serving.states import State

_log = logging.getLogger(__name__)
_ALARMING = {State.REJECTED, State.FAILED}
_DOUBTFUL = "could not be loaded again"
_LOADED = {State.STANDBY, State.ACTIVE}


@dataclass(frozen=True)
class _Record:
    candidate: Candidate
    state: State
    reason: str
    since: float
    moment: float
    doubt: str = ""  # why it could not be loaded again


class Ledger:
    """Only the loader's thread writes; any thread may read `statuses`.

    Args:
        clock: in seconds, for durations.
        meter: is told of each new state.
        now: in seconds since 1970, for people.
    """

    def __init__(
        self, clock: Callable[[], float], meter: Meter | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._now = now
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
        since, moment = (before.since, before.moment) if before and same else (now, self._now())
        with self._lock:
            doubt = before.doubt if before and state in _LOADED else ""
            self._records[candidate.key] = _Record(candidate, state, reason, since, moment, doubt)
            self._statuses = None
        if not same:
            self._meter.state(candidate.name, candidate.version, state.value)
        if not same or state in _ALARMING:
            level = logging.WARNING if state in _ALARMING else logging.INFO
            self._log(level, candidate, state, reason, before, now)

    def reenter(self, key: str, state: State, reason: str) -> None:
        """Note a new state of a version that is known."""
        self.enter(self._records[key].candidate, state, reason)

    def doubt(self, doubts: Mapping[str, str]) -> None:
        """Note by key why versions that are loaded could not be loaded again; empty if they could."""
        for key, doubt in doubts.items():
            if self._records[key].doubt != doubt:
                self._doubt(key, doubt)

    def keep(self, keys: set[str]) -> None:
        """Forget all versions but these."""
        gone = [self._records[key].candidate for key in self._records if key not in keys]
        with self._lock:
            for candidate in gone:
                del self._records[candidate.key]
                self._statuses = None
        if gone:
            left = {(record.candidate.name, record.candidate.version) for record in self._records.values()}
            for name, version in {(candidate.name, candidate.version) for candidate in gone} - left:
                self._meter.forget(name, version)

    def _doubt(self, key: str, doubt: str) -> None:
        record = self._records[key]
        with self._lock:
            self._records[key] = replace(record, doubt=doubt)
            self._statuses = None
        fields = {"model": record.candidate.name, "version": record.candidate.version, "state": record.state.value}
        if doubt:
            _log.warning("%s stays %s, but %s: %s", _title(record), record.state, _DOUBTFUL, doubt, extra=fields)
        else:
            _log.info("%s is %s and could be loaded again", _title(record), record.state, extra=fields)

    def _log(
        self, level: int, candidate: Candidate, state: State, reason: str, before: _Record | None, now: float
    ) -> None:
        after = f" after {now - before.since:.3f} s {before.state}" if before else ""
        fields = {"model": candidate.name, "version": candidate.version, "state": state.value}
        _log.log(level, "%s: %s%s: %s", _title(self._records[candidate.key]), state, after, reason, extra=fields)


def _title(record: _Record) -> str:
    return f"{record.candidate.name} {record.candidate.version}".strip()


def _status(record: _Record) -> ModelStatus:
    candidate, spec = record.candidate, record.candidate.spec
    reason = f"{record.reason}; {_DOUBTFUL}: {record.doubt}" if record.doubt else record.reason
    known = ModelStatus(candidate.name, "", record.state.value, reason, file=candidate.file, since=record.moment)
    if spec is None:
        return known
    return replace(
        known,
        name=spec.Model.ModelName,
        version=spec.Model.Version,
        sha256=spec.Graph.SHA256,
        type=spec.Model.ModelType,
        sites=tuple(spec.Model.Sites),
        size=(spec.Model.ImageWidth, spec.Model.ImageHeight),
        accuracy=spec.Metrics.Accuracy if spec.Metrics else None,
        golden=len(spec.Golden),
        latency=spec.Speed.Latency[0] if spec.Speed else None,
    )
