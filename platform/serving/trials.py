"""The trials that are under way: each on a thread of its own, so that one that hangs keeps no other model waiting.

The loader starts them and takes what came of them, on its own thread; nothing else happens here.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contract.spec import ModelSpec
from serving.loading import NoTrial, TryModel
from serving.repository import Candidate
from serving.settings import Settings

SPARED_SECONDS = 10.0  # a trial that nobody wants any more: to end it costs its process, which is slow to start


@dataclass(eq=False)
class Trial:
    """One version on trial.

    Attributes:
        candidate: the version.
        spec: its description.
        graph: the bytes of its .pb, which are also loaded when it passes.
        since: when it began, on the loader's clock.
        error: what went wrong.
        over: whether it has ended; set last.
    """

    candidate: Candidate
    spec: ModelSpec
    graph: bytes
    since: float
    error: Exception | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def passed(self) -> tuple[ModelSpec, bytes]:
        """Return what was tried; raises what went wrong."""
        if self.error:
            raise self.error
        return self.spec, self.graph


class Trials:
    """Only the loader's thread calls these.

    Args:
        try_model: tries one model; called from several threads.
        settings: how many at the same time, each of another model, and up to which batch.
        clock: of the loader, in seconds.
        on_over: called from the trial's thread when one has ended.

    Attributes:
        wanted: whether there are trials at all.
    """

    def __init__(
        self, try_model: TryModel, settings: Settings, clock: Callable[[], float], on_over: Callable[[], None]
    ) -> None:
        self.wanted = not isinstance(try_model, NoTrial)
        self._try_model = try_model
        self._most = settings.Models.PreflightAtOnce
        self._max_batch = settings.Batching.MaxBatch
        self._clock = clock
        self._on_over = on_over
        self._running: dict[str, Trial] = {}  # by key
        self._ended: dict[str, Trial] = {}

    @property
    def has_news(self) -> bool:
        """Whether a trial has ended since the last `collect`."""
        return any(trial.over.is_set() for trial in self._running.values())

    @property
    def some(self) -> bool:
        """Whether a trial is under way."""
        return bool(self._running)

    @property
    def young(self) -> bool:
        """Whether a trial is under way that has not taken long yet."""
        return any(self._age(trial) < SPARED_SECONDS for trial in self._running.values())

    def collect(self) -> None:
        """Take note of the trials that have ended."""
        for key in [key for key, trial in self._running.items() if trial.over.is_set()]:
            self._ended[key] = self._running.pop(key)

    def held(self) -> Mapping[Path, Candidate]:
        """Return what holds its place by path, although another file may lie there now: nothing is tried in vain."""
        running = [trial for trial in self._running.values() if self._age(trial) < SPARED_SECONDS]
        return {trial.candidate.path: trial.candidate for trial in [*running, *self._ended.values()]}

    def ended(self, key: str) -> Trial | None:
        """Return a trial that was collected."""
        return self._ended.get(key)

    def running(self, key: str) -> bool:
        """Tell whether a version is on trial."""
        return key in self._running

    def knows(self, key: str) -> bool:
        """Tell whether a version is on trial, or has been and is yet to go on."""
        return key in self._running or key in self._ended

    def has_room(self, name: str) -> bool:
        """Tell whether a version of this model can be tried now."""
        names = {trial.candidate.name for trial in self._running.values()}
        return len(self._running) < self._most and name not in names

    def start(self, candidate: Candidate, spec: ModelSpec, graph: bytes, *, yielding: bool) -> None:
        """Begin to try a version.

        Args:
            candidate: of a model that has no version on trial.
            spec: its description.
            graph: the bytes of its .pb.
            yielding: whether everything else goes first.

        Raises:
            RuntimeError: the system has no thread left; nothing is on trial then.
        """
        trial = Trial(candidate, spec, graph, self._clock())
        title = f"trial of {candidate.name}"
        threading.Thread(target=self._run, args=(trial, yielding), name=title, daemon=True).start()
        self._running[candidate.key] = trial

    def clear(self, wanted: Collection[str]) -> bool:
        """Forget what was collected, and end what has long been on trial and is not wanted any more.

        Args:
            wanted: keys of the versions that would be loaded.

        Returns:
            Whether anything was forgotten: what it held back can be looked at then.
        """
        for key, trial in self._running.items():
            if key not in wanted and self._age(trial) >= SPARED_SECONDS:
                self._try_model.cancel(trial.spec)
        forgotten = bool(self._ended)
        self._ended.clear()
        return forgotten

    def close(self) -> None:
        """End all trials; there will be none after them."""
        self._try_model.close()

    def _age(self, trial: Trial) -> float:
        return self._clock() - trial.since

    def _run(self, trial: Trial, yielding: bool) -> None:  # noqa: FBT001 - a thread has no keywords
        try:
            self._try_model(trial.spec, trial.graph, self._max_batch, yielding=yielding)
        except Exception as error:  # noqa: BLE001 - the loader looks at it
            trial.error = error
        finally:
            trial.over.set()
            self._on_over()
