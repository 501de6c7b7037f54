"""Brings what is loaded into line with what the folders offer, on one thread, one action at a time.

Each step looks at the folders, asks the policy, and carries out what it says until it has nothing more to say. A step
depends on how things are, not on what happened, so a missed event or a crash loses nothing. Trials alone go on beside
it, since a bad version may take long to fail: a step starts them and takes what came of them.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from serving import closing, priority
from serving.answer import ModelStatus
from serving.attempts import Attempts
from serving.courtesy import Courtesy
from serving.ledger import Ledger
from serving.loader import Loader
from serving.loading import LoadModel, NoTrial, TryModel
from serving.metering import Meter, NoMeter
from serving.policy import Action, Activate, Load, Unload, Wishes, plan, why_idle
from serving.pool import Pool, Session
from serving.repository import Candidate, Scan, scan
from serving.settings import Settings
from serving.states import State
from serving.trials import Trials

SETTLE_SECONDS = 0.2  # between the two scans that must see the same file
_SCANS_TO_SETTLE = 2

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
        self._settled = False
        self._awake = threading.Event()
        trials = Trials(try_model or NoTrial(), settings, clock, self._awake.set)
        self._courtesy = Courtesy(pool.busy)
        open_model = partial(load_model, threads=settings.Batching.layout, pause=self._courtesy)
        open_session = partial(Session, batching=settings.Batching, meter=self._meter)
        self._loader = Loader(open_model, trials, settings.Batching, open_session, self._ledger, self._attempts)
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
        """Whether what was there at the start has been dealt with, but for versions that are long on trial."""
        return self._settled

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
        self._courtesy.end()
        self._loader.trials.close()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if not self._thread.is_alive():
            for version in self._pool.loaded():
                self._unload(Unload(version.key, "the service stops"))
            self._close_drained()

    def step(self) -> None:
        """Scan once and do what can be done; waits for nothing but the loads."""
        folders = self._settings.Folders
        before = self._scan.degraded
        self._scanned_at = self._clock()
        self._scan = scan(folders.Graph, folders.Model, self._scan)
        _log_degraded(before, self._scan.degraded)
        self._act()
        while not self._stopping and self._loader.trials.clear(self._wanted()):
            self._act()
        self._close_drained()
        self._scans += 1
        self._settled = self._settled or (self._scans >= _SCANS_TO_SETTLE and not self._loader.trials.young)

    def _act(self) -> None:
        while not self._stopping and (action := self._next()):
            self._carry_out(action)

    def _loop(self) -> None:
        priority.step_back()
        while not self._stopping:
            try:
                self.step()
            except Exception:  # noqa: BLE001 - the next scan starts from what is there, whatever went wrong in this one
                _log.exception("a look at the folders failed; the models that serve go on serving")
            self._rest()

    def _rest(self) -> None:
        """Wait for the next scan, and meanwhile close sessions as they become idle."""
        while not self._stopping and (left := self._scanned_at + self._pause() - self._clock()) > 0:
            if self._loader.trials.has_news:
                break
            self._awake.wait(left)
            self._awake.clear()
            self._close_drained()
        self._rescan = False

    def _pause(self) -> float:
        soon = self._rescan or self._scan.restless or self._scans < _SCANS_TO_SETTLE
        usual = self._settings.Folders.ScanSeconds
        pause = min(SETTLE_SECONDS, usual) if soon else usual
        return min(pause, max(self._attempts.pause(self._scanned_at), SETTLE_SECONDS))

    def _next(self) -> Action | None:
        self._loader.trials.collect()
        actions = [action for action in self._plan() if self._can_be_done(action)]
        # What is quick comes first, and what has never failed comes before what has.
        return min(actions, key=self._delay, default=None)

    def _plan(self) -> list[Action]:
        held = self._loader.trials.held()
        candidates = [self._attempts.judge(held.get(one.path, one)) for one in self._scan.candidates]
        self._note(candidates)
        return plan(candidates, self._pool.loaded(), self._wishes)

    def _wanted(self) -> set[str]:
        return {action.candidate.key for action in self._plan() if isinstance(action, Load)}

    def _can_be_done(self, action: Action) -> bool:
        return not isinstance(action, Load) or self._loader.can_go_on(action.candidate)

    def _delay(self, action: Action) -> int:
        return 1 + self._attempts.count(action.candidate.key) if isinstance(action, Load) else 0

    def _note(self, candidates: list[Candidate]) -> None:
        loaded = self._pool.keys()
        for candidate in candidates:
            key, is_complete = candidate.key, candidate.stage is State.DISCOVERED
            passed_on = self._ledger.state(key) is State.UNLOADED or self._loader.trials.knows(key)
            if key not in loaded and not (is_complete and passed_on):
                self._ledger.enter(candidate, candidate.stage, self._reason(candidate))
        self._ledger.doubt(self._pool.follow(candidates))
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
        if action.generation and not self._loader.trials.ended(candidate.key):
            _log.warning("%s %s: %s", candidate.name, candidate.version, action.reason)
        session = self._loader.go_on(candidate, serving=bool(self._pool.routes.all))
        if session:
            self._pool.add(session)
            self._ledger.enter(candidate, State.STANDBY, f"warm ({action.reason})")

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
        closing.close_drained(self._pool, self._ledger, self._courtesy)


def _log_degraded(before: tuple[str, ...], now: tuple[str, ...]) -> None:
    for sentence in now:
        if sentence not in before:
            _log.warning("degraded: %s; what is loaded goes on serving", sentence)
    if before and not now:
        _log.info("no longer degraded")
