"""Brings what is loaded into line with what the folders offer, on one thread, one action at a time.

Each step looks at the folders, asks the policy, and carries out what it says until it has nothing more to say. A step
depends on how things are, not on what happened, so a missed event or a crash loses nothing.
"""

import logging
import threading
import time
from collections.abc import Callable

from contract.errors import PictureError
from engine.errors import GraphError
from engine.proof import GoldenError
from serving import memory
from serving.answer import ModelStatus
from serving.attempts import Attempts
from serving.ledger import Ledger
from serving.loading import LoadModel, NoTrial, TryModel, prepare
from serving.metering import Meter, NoMeter
from serving.policy import Action, Activate, Load, Unload, Wishes, plan, why_idle
from serving.pool import Pool, Session
from serving.repository import Candidate, Scan, scan
from serving.settings import Settings
from serving.states import State

SETTLE_SECONDS = 0.2  # between the two scans that must see the same file
_SCANS_TO_SETTLE = 2
_HOPELESS = (GraphError, GoldenError, PictureError)

_log = logging.getLogger(__name__)


class Lifecycle:
    """The loader.

    Args:
        settings: of the service.
        load_model: opens a model.
        pool: takes the sessions; only this object changes it.
        clock: in seconds, for pauses and durations.
        meter: is told of states and runs.
        try_model: tries each version before it is loaded; closed by `stop`.
    """

    def __init__(
        self,
        settings: Settings,
        load_model: LoadModel,
        pool: Pool,
        clock: Callable[[], float] = time.monotonic,
        meter: Meter | None = None,
        try_model: TryModel | None = None,
    ) -> None:
        self._settings = settings
        self._try_model = try_model or NoTrial()
        self._load_model = load_model
        self._pool = pool
        self._clock = clock
        self._wishes = Wishes(dict(settings.Models.Pinned), settings.Models.Keep)
        self._attempts = Attempts(clock)
        self._meter = meter or NoMeter()
        self._ledger = Ledger(clock, self._meter)
        self._wishing = threading.Lock()
        self._scan = Scan()
        self._scans = 0
        self._scanned_at = clock()
        self._stopping = False
        self._rescan = False
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="loader", daemon=True)

    @property
    def statuses(self) -> tuple[ModelStatus, ...]:
        """Every version that is known, with its state."""
        return self._ledger.statuses

    @property
    def degraded(self) -> tuple[str, ...]:
        """One sentence for each folder or file that the last scan could not read."""
        return self._scan.degraded

    @property
    def settled(self) -> bool:
        """Whether everything that was there at the start has been dealt with."""
        return self._scans >= _SCANS_TO_SETTLE

    def start(self) -> None:
        """Begin to watch the folders."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the folders soon, without waiting for the next scan."""
        self._rescan = True
        self._awake.set()

    def wish(self, change: Callable[[Wishes], Wishes]) -> None:
        """Change what the operator wants until the service ends; the loader acts on it soon."""
        with self._wishing:
            self._wishes = change(self._wishes)
        self.wake()

    def stop(self, seconds: float) -> None:
        """Stop watching and close all sessions that no request holds.

        Args:
            seconds: how long to wait for a load that is under way; a trial is ended.
        """
        self._stopping = True
        self._try_model.close()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if not self._thread.is_alive():
            for version in self._pool.loaded():
                self._unload(Unload(version.key, "the service stops"))
            self._close_drained()

    def step(self) -> None:
        """Scan once and do what is to be done; waits for nothing but the loads."""
        folders = self._settings.Folders
        before = self._scan.degraded
        self._scanned_at = self._clock()
        self._scan = scan(folders.Graph, folders.Model, self._scan)
        _log_degraded(before, self._scan.degraded)
        while not self._stopping and (action := self._next()):
            self._carry_out(action)
        self._close_drained()
        self._scans += 1

    def _loop(self) -> None:
        while not self._stopping:
            try:
                self.step()
            except Exception:  # noqa: BLE001 - the next scan starts from what is there, whatever went wrong in this one
                _log.exception("a look at the folders failed; the models that serve go on serving")
            self._rest()

    def _rest(self) -> None:
        """Wait for the next scan, and meanwhile close sessions as they become idle."""
        while not self._stopping and (left := self._scanned_at + self._pause() - self._clock()) > 0:
            self._awake.wait(left)
            self._awake.clear()
            self._close_drained()
        self._rescan = False

    def _pause(self) -> float:
        soon = self._rescan or self._scan.restless or self._scans < _SCANS_TO_SETTLE
        usual = self._settings.Folders.ScanSeconds
        pause = min(SETTLE_SECONDS, usual) if soon else usual
        return min(pause, max(self._attempts.pause(), SETTLE_SECONDS))

    def _next(self) -> Action | None:
        candidates = [self._attempts.judge(candidate) for candidate in self._scan.candidates]
        self._note(candidates)
        actions = plan(candidates, self._pool.loaded(), self._wishes)
        # What is quick comes first, and what has never failed comes before what has.
        return min(actions, key=self._delay, default=None)

    def _delay(self, action: Action) -> int:
        return 1 + self._attempts.count(action.candidate.key) if isinstance(action, Load) else 0

    def _note(self, candidates: list[Candidate]) -> None:
        loaded = self._pool.keys()
        for candidate in candidates:
            unloaded = self._ledger.state(candidate.key) is State.UNLOADED and candidate.stage is State.DISCOVERED
            if candidate.key not in loaded and not unloaded:
                self._ledger.enter(candidate, candidate.stage, self._reason(candidate))
        keys = {candidate.key for candidate in candidates} | loaded
        self._ledger.keep(keys)
        self._attempts.forget(keys)

    def _reason(self, candidate: Candidate) -> str:
        active = self._pool.active(candidate.name)
        if candidate.stage is not State.DISCOVERED:
            return candidate.reason
        return why_idle(candidate, active.version if active else None, self._wishes)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Load():
                self._load(action)
            case Activate():
                self._activate(action)
            case Unload():
                self._unload(action)

    def _load(self, action: Load) -> None:
        candidate = action.candidate
        if action.generation:
            _log.warning("%s %s: %s", candidate.name, candidate.version, action.reason)

        def enter(state: State, reason: str) -> None:
            self._ledger.enter(candidate, state, reason)

        try:
            reader = prepare(candidate, self._load_model, self._settings.Batching, enter, self._try_model)
        except _HOPELESS as error:
            self._attempts.reject(candidate.key, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the models that serve go on, and this one is retried
            self._attempts.fail(candidate.key, f"{type(error).__name__}: {error}")
        else:
            self._attempts.succeed(candidate.key)
            self._pool.add(Session(candidate, reader, self._settings.Batching, self._meter))
            enter(State.STANDBY, f"warm ({action.reason})")

    def _activate(self, action: Activate) -> None:
        session = self._pool.session(action.key)
        before = self._pool.active(session.name)
        self._pool.activate(action.key)
        self._ledger.reenter(action.key, State.ACTIVE, action.reason)
        if before:
            self._ledger.reenter(before.key, State.STANDBY, f"{session.version} took over")
        for ambiguity in self._pool.routes.ambiguities():
            _log.info("ambiguous: %s", ambiguity)

    def _unload(self, action: Unload) -> None:
        leases = self._pool.session(action.key).leases
        self._ledger.reenter(action.key, State.DRAINING, f"{action.reason}; {leases} requests to finish")
        self._pool.retire(action.key, self._awake.set)

    def _close_drained(self) -> None:
        drained = self._pool.take_drained()
        closed = bool(drained)
        while drained:
            self._close(drained.pop())
        if closed:
            memory.release()

    def _close(self, session: Session) -> None:
        session.close()
        if self._ledger.state(session.key) is State.DRAINING:  # else the same bytes have been loaded again meanwhile
            self._ledger.reenter(session.key, State.UNLOADED, "closed after its last request")


def _log_degraded(before: tuple[str, ...], now: tuple[str, ...]) -> None:
    for sentence in now:
        if sentence not in before:
            _log.warning("degraded: %s; what is loaded goes on serving", sentence)
    if before and not now:
        _log.info("no longer degraded")
