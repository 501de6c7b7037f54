"""Takes a version from its files to a warm model, as far as it can go at each call: to its trial, or all the way."""

from collections.abc import Callable
from functools import partial

from contract.errors import PictureError
from engine.errors import GraphError
from engine.proof import GoldenError
from engine.reading import ReadsPixels
from serving.attempts import Attempts
from serving.core_settings import BatchingSection
from serving.ledger import Ledger
from serving.loading import OpenModel, load, read
from serving.pool import Session
from serving.repository import Candidate
from serving.spare import SpareTime
from serving.states import State
from serving.trials import Trials

OpenSession = Callable[[Candidate, ReadsPixels, SpareTime], Session]

_HOPELESS = (GraphError, GoldenError, PictureError)


class Loader:
    """Knows what went wrong before. Only the loader's thread calls it.

    Args:
        open_model: opens a model.
        trials: of the versions that are on their way.
        batching: how models will be run.
        open_session: makes a loaded model ready to take requests.
        ledger: is told of each state.
        attempts: is told of each outcome.

    Attributes:
        trials: the same.
    """

    def __init__(
        self,
        open_model: OpenModel,
        trials: Trials,
        batching: BatchingSection,
        open_session: OpenSession,
        ledger: Ledger,
        attempts: Attempts,
    ) -> None:
        self.trials = trials
        self._open_session = open_session
        self._open_model = open_model
        self._batching = batching
        self._ledger = ledger
        self._attempts = attempts
        self._loading = False
        self._spare_time = SpareTime(lambda: self._loading or self.trials.some)

    def can_go_on(self, candidate: Candidate) -> bool:
        """Tell whether `go_on` would get on with a version at this moment."""
        if self.trials.running(candidate.key):
            return False
        return not self.trials.wanted or bool(self.trials.ended(candidate.key)) or self.trials.has_room(candidate.name)

    def go_on(self, candidate: Candidate, *, serving: bool) -> Session | None:
        """Take a version a step further.

        Args:
            candidate: in stage DISCOVERED.
            serving: whether there are requests that should not notice.

        Returns:
            The session if it is ready. None if it is on trial now, or something went wrong; `attempts` knows what.
        """
        try:
            return self._go_on(candidate, serving=serving)
        except _HOPELESS as error:
            self._attempts.reject(candidate.key, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the models that serve go on, and this one is retried
            self._attempts.fail(candidate.key, f"{type(error).__name__}: {error}")
        return None

    def _go_on(self, candidate: Candidate, *, serving: bool) -> Session | None:
        enter = partial(self._ledger.enter, candidate)
        trial = self.trials.ended(candidate.key)
        if trial:
            spec, graph = trial.passed()
        else:
            enter(State.VALIDATING, f"reading and trying {candidate.graph.name if candidate.graph else 'nothing'}")
            spec, graph = read(candidate)
            if self.trials.wanted:
                # The trial before may have failed because it stepped back for too long.
                failed = self._attempts.count(candidate.key)
                self.trials.start(candidate, spec, graph, yielding=serving and not failed)
                return None
        self._loading = True
        try:
            reader = load(spec, graph, self._open_model, self._batching, enter, tried=trial is not None)
        finally:
            self._loading = False
        try:
            session = self._open_session(candidate, reader, self._spare_time)
        except Exception:
            reader.close()
            raise
        self._attempts.succeed(candidate.key)
        return session
