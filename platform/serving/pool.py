"""The sessions: loaded versions, the leases on them, and the routes to those that are active."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from contract.spec import ModelSpec
from engine.reading import ReadsPixels
from serving.batcher import Batcher
from serving.core_settings import BatchingSection, ModelsSection
from serving.metering import Meter, NoMeter
from serving.places import doubts_of, places_of
from serving.policy import Loaded
from serving.repository import Candidate
from serving.routing import Route, Routes
from serving.spare import Aside, SpareTime

_log = logging.getLogger(__name__)


class Session:
    """One loaded version, with its queue. It is closed only after the last lease has been given back."""

    def __init__(
        self,
        candidate: Candidate,
        reader: ReadsPixels,
        spare_time: SpareTime,
        batching: BatchingSection,
        meter: Meter | None = None,
    ) -> None:
        self.key = candidate.key
        self.places = frozenset({candidate.path})
        self.spec: ModelSpec = reader.spec
        ran = partial((meter or NoMeter()).batch, self.name, self.version)
        read_aside = reader.read_in_spare_time
        aside = Aside(read_aside, spare_time, self.name) if read_aside else None
        self.batcher = Batcher(reader.read_pixels, batching, f"{self.name} {self.version}", ran, aside)
        self._reader = reader
        self._lock = threading.Lock()
        self._leases = 0
        self._on_idle: Callable[[], None] | None = None  # set once no more leases are given

    @property
    def name(self) -> str:
        """Of the model."""
        return self.spec.Model.ModelName

    @property
    def version(self) -> str:
        """Of the model."""
        return self.spec.Model.Version

    @property
    def leases(self) -> int:
        """How many requests hold it."""
        return self._leases

    def lease(self) -> bool:
        """Hold the session for one request; False once it is being taken away: look at the routes again then."""
        with self._lock:
            if self._on_idle is not None:
                return False
            self._leases += 1
            return True

    def give_back(self) -> None:
        """End one lease."""
        with self._lock:
            self._leases -= 1
            idle = self._on_idle if self._leases == 0 else None
        if idle:
            idle()

    def retire(self, on_idle: Callable[[], None]) -> None:
        """Give no more leases; call back when the last one ends."""
        with self._lock:
            self._on_idle = on_idle

    def close(self) -> None:
        """Free the model, which ends a run that hangs. No lease may be left."""
        if not self.batcher.close():
            _log.error("%s %s: a run hangs; its session is closed over it", self.name, self.version)
        self._reader.close()


class Pool:
    """All sessions. Only the loader's thread changes it; any thread may read `routes`.

    Attributes:
        routes: to the active sessions; replaced as a whole.
    """

    def __init__(self, models: ModelsSection) -> None:
        self.routes: Routes[Session] = Routes()
        self._models = models
        self._sessions: dict[str, Session] = {}
        self._active: dict[str, str] = {}  # model to key
        self._draining: list[Session] = []

    def busy(self) -> bool:
        """Tell whether any request is in hand."""
        return any(session.leases for session in [*self._sessions.values(), *self._draining])

    def loaded(self) -> list[Loaded]:
        """Return the sessions that could serve, as the policy sees them."""
        return [
            Loaded(key, session.name, session.version, session.places, self._active.get(session.name) == key)
            for key, session in self._sessions.items()
        ]

    def follow(self, candidates: Sequence[Candidate]) -> Mapping[str, str]:
        """Bring it up to date in which YAMLs the sessions lie; return their doubts, see `places.doubts_of`."""
        for key, places in places_of(self.loaded(), candidates).items():
            self._sessions[key].places = places
        return doubts_of(self.loaded(), candidates)

    def session(self, key: str) -> Session:
        """Return a session by its key."""
        return self._sessions[key]

    def active(self, name: str) -> Session | None:
        """Return the session that serves a model."""
        key = self._active.get(name)
        return self._sessions[key] if key else None

    def add(self, session: Session) -> None:
        """Take in a session that is ready to serve; nothing is routed to it yet."""
        self._sessions[session.key] = session

    def activate(self, key: str) -> None:
        """Route the requests of a model to this session from now on."""
        self._active[self._sessions[key].name] = key
        self._publish()

    def retire(self, key: str, on_idle: Callable[[], None]) -> None:
        """Take a session out of the routes and let its last requests finish."""
        session = self._sessions.pop(key)
        if self._active.get(session.name) == key:
            del self._active[session.name]
            self._publish()
        session.retire(on_idle)
        self._draining.append(session)

    def take_drained(self) -> list[Session]:
        """Return the retired sessions that no request holds any more; they are no longer the pool's."""
        drained = [session for session in self._draining if session.leases == 0]
        self._draining = [session for session in self._draining if session not in drained]
        return drained

    def keys(self) -> set[str]:
        """Return the keys of all sessions, the draining ones too."""
        return {*self._sessions, *(session.key for session in self._draining)}

    def _publish(self) -> None:
        active = [self._sessions[key] for key in self._active.values()]
        priority = self._models.Priority
        routes = [Route(session.spec, session, priority.get(session.name, 0)) for session in active]
        self.routes = Routes(routes, self._models.Default)
