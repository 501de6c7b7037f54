"""What both transports call: admit, decode, route, lease, batch, answer."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract import image
from serving import tracing, withdrawal
from serving.admission import picture_errors, refuse_if_full, target_of
from serving.answer import Answer, Hints, ModelStatus, QueueStatus
from serving.budget import Budget
from serving.core_settings import LimitsSection
from serving.decoding import DecodingRoom
from serving.errors import BadRequestError, DeadlineError, ServingError, TooLargeError
from serving.leases import Leases, Work
from serving.lifecycle import Lifecycle
from serving.pool import Pool, Session
from serving.ticket import NOT_STARTED, Result

_log = logging.getLogger(__name__)


class DataPlane:
    """Answers pictures with the models that are active. Safe from many threads; implements `Recognizes`.

    Args:
        pool: the sessions.
        lifecycle: knows the states.
        limits: of a request.
    """

    def __init__(self, pool: Pool, lifecycle: Lifecycle, limits: LimitsSection) -> None:
        self._pool = pool
        self._lifecycle = lifecycle
        self._limits = limits
        self._budget = Budget(limits.BytesInFlight)
        self._room = DecodingRoom()
        self._draining = False

    def recognize(self, pictures: Sequence[bytes], hints: Hints, *, deadline: float | None = None) -> Sequence[Answer]:
        """Read pictures; one answer each, in order. See `Recognizes`."""
        if not pictures:
            raise BadRequestError("there is no picture in the request")
        if len(pictures) > self._limits.PicturesPerRequest:
            raise TooLargeError(
                f"{len(pictures)} pictures in one request; the limit is {self._limits.PicturesPerRequest}"
            )
        now = time.monotonic()
        latest = now + self._limits.RequestSeconds
        deadline = latest if deadline is None else min(deadline, latest)
        if deadline <= now:
            raise DeadlineError("the deadline had passed before the request was looked at")
        with self._budget.hold(sum(map(len, pictures))):
            while True:
                answers = self._attempt(pictures, hints, deadline)
                if answers is not None:
                    _note(answers, time.monotonic() - now)
                    return answers

    def models(self) -> Sequence[ModelStatus]:
        """Return every version that is known, with its state."""
        return self._lifecycle.statuses

    def degraded(self) -> Sequence[str]:
        """Return one sentence for each folder or file that cannot be read; what is loaded goes on serving."""
        return self._lifecycle.degraded

    def ambiguities(self) -> Sequence[str]:
        """Return one sentence for each size, site or type that more than one model answers to."""
        return self._pool.routes.ambiguities()

    def full(self, more: int) -> bool:
        """Whether no model has room for a picture; see `Recognizes`."""
        rooms = [route.target.batcher.room for route in self._pool.routes.all]
        return bool(rooms) and max(rooms) <= (more if len(rooms) == 1 else 0)

    def ready(self) -> bool:
        """Whether requests should be sent here: the first scan is done, a model is active, not draining."""
        return not self._draining and self._lifecycle.settled and bool(self._pool.routes.all)

    def queues(self) -> Sequence[QueueStatus]:
        """Return how busy each active version is."""
        sessions = [route.target for route in self._pool.routes.all]
        return [QueueStatus(each.name, each.version, each.batcher.depth, each.leases) for each in sessions]

    def drain(self) -> None:
        """Be ready no more, and answer what still comes."""
        self._draining = True

    def _attempt(self, pictures: Sequence[bytes], hints: Hints, deadline: float) -> Sequence[Answer] | None:
        """Answer by the routes of this moment; None if a session was taken away meanwhile."""
        routes = self._pool.routes
        left = routes.narrow(hints)
        refuse_if_full(left)
        answers = [Answer()] * len(pictures)
        begun = time.monotonic()
        pixels = 0
        with Leases() as leases:
            for index, picture in enumerate(pictures):
                if time.monotonic() >= deadline:  # with its size, notes of a picture may be read
                    raise DeadlineError("the deadline passed while the pictures' sizes were read")
                try:
                    session, size = target_of(routes, left, hints, picture, self._limits.picture)
                except ServingError as error:
                    answers[index] = Answer(error=error)
                    continue
                work = leases.take(session)
                if work is None:
                    return None
                work.plan(index, len(picture))
                pixels += size
            with self._budget.share(leases.sizes):
                works = leases.reserve()
                request = _Request(pictures, answers, deadline, withdrawal.watch())
                first = works[0].session.name if works else ""
                self._room.run(lambda: self._decode(works, request), pixels, deadline, first)
                submitted = time.monotonic()
                for work in leases.submit(deadline):
                    for index, result in zip(work.indices, work.wait(), strict=True):
                        answers[index] = _answer(work.session, result)
                    _trace_run(work, submitted)
        if trace := tracing.current():
            trace.stage("decode", begun, submitted, {"pictures": len(pictures)})
        if all(isinstance(answer.error, DeadlineError) for answer in answers):
            raise DeadlineError("the deadline passed before the request's turn came")
        return answers

    def _decode(self, works: Sequence[Work], request: "_Request") -> None:
        for work, index in [(each, index) for each in works for index in each.planned]:
            spec = work.session.spec
            try:
                request.check()
                with picture_errors():  # also of an animated picture without the frame that the model reads
                    picture, limits = request.pictures[index], self._limits.picture
                    size = spec.input_size
                    work.add(index, image.to_pixels(picture, spec.Pretreatment, size, limits, silent=True))
            except ServingError as error:
                request.answers[index] = Answer(error=error)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is decoded: pictures, their answers, until when they are wanted, and whether by anybody at all."""

    pictures: Sequence[bytes]
    answers: list[Answer]
    deadline: float
    gone: Callable[[], bool]

    def check(self) -> None:
        """Raise DeadlineError if nobody waits for the rest any more: pictures may take long to decode."""
        if time.monotonic() >= self.deadline or self.gone():
            raise DeadlineError("the deadline passed before the picture was decoded, or its client has gone")


def _note(answers: Sequence[Answer], seconds: float) -> None:
    if not _log.isEnabledFor(logging.DEBUG):
        return
    versions = sorted({f"{answer.model} {answer.version}" for answer in answers if answer.model})
    wrong = sum(answer.error is not None for answer in answers)
    fields = {"versions": versions, "pictures": len(answers), "wrong": wrong, "seconds": round(seconds, 6)}
    text = "%d pictures, %d of them with an error, by %s in %.1f ms"
    _log.debug(text, len(answers), wrong, ", ".join(versions) or "nobody", 1000 * seconds, extra=fields)


def _trace_run(work: Work, submitted: float) -> None:
    trace = tracing.current()
    if trace and work.ticket:
        about: dict[str, str | int] = {
            "model": work.session.name,
            "version": work.session.version,
            "pictures": len(work.indices),
        }
        now = time.monotonic()
        started = work.ticket.started
        trace.stage("queue", submitted, started or now, about)
        if started:  # not if its deadline came before its turn
            trace.stage("run", started, now, about)


def _answer(session: Session, result: Result) -> Answer:
    if isinstance(result, ServingError):
        # What is raised keeps all that it came through, and this one is the same for all requests there ever are.
        error = DeadlineError(str(result)) if result is NOT_STARTED else result
        return Answer(model=session.name, version=session.version, error=error)
    return Answer(result.text, result.confidence, result.symbols, session.name, session.version)
