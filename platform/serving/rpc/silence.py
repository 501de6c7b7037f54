"""Calls whose client keeps silent or takes no answer. Each holds a thread of gRPC, so they are bounded here."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc

from serving.errors import OverloadedError

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

MOST = 64
"""Calls of all clients together that may keep silent for longer than GRACE_SECONDS."""

SHARE = 16
"""Likewise, of one address."""

GRACE_SECONDS = 1.0
"""A message that comes by then is never counted as late."""

MESSAGE_SECONDS = 60.0
"""How long a message may take, as a body of HTTP; an answer of a stream as well."""

IDLE_SECONDS = 300.0
"""How long a stream may say nothing between two messages."""

_LOOK_SECONDS = 0.25


@dataclass(frozen=True, eq=False)
class _Waiting:
    context: grpc.ServicerContext
    since: float
    until: float
    counted: bool  # among MOST and SHARE


class Silence:
    """Ends the calls that say or take nothing for too long, or of which there are too many.

    Args:
        owner: says whose a call is: a name that many calls may have.
        ended: told of each call that is ended.
    """

    def __init__(self, owner: Callable[[grpc.ServicerContext], str], ended: Callable[[], None] = lambda: None) -> None:
        self._owner = owner
        self._ended = ended
        self._lock = threading.Lock()
        self._waiting: dict[_Waiting, None] = {}  # in the order of their beginning
        self._closing = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="rpc-silence", daemon=True)

    def start(self) -> None:
        """Look again and again from now on."""
        self._thread.start()

    def close(self) -> None:
        """End streams between two messages, and those whose client does not take its answer, from now on."""
        self._closing = True

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def first(self, messages: Iterator[_T], context: grpc.ServicerContext) -> _T:
        """Return the message of a call that has one; aborts the call if it has none."""
        with self._watched(context, MESSAGE_SECONDS, counted=True):
            message = next(messages, None)
        if message is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        return message

    def each(
        self, messages: Iterable[_T], context: grpc.ServicerContext, seconds: float = IDLE_SECONDS
    ) -> Iterator[_T]:
        """Give the messages of a stream, which may keep silent for so many seconds between two of them.

        Raises:
            OverloadedError: the service is stopping.
        """
        following = iter(messages)
        while True:
            if self._closing:
                raise OverloadedError("the service is stopping")
            with self._watched(context, seconds, counted=False):
                try:
                    message = next(following)
                except StopIteration:
                    return
            yield message

    def giving(self, context: grpc.ServicerContext, seconds: float = MESSAGE_SECONDS) -> AbstractContextManager[None]:
        """Watch the `yield` of an answer, which lasts for as long as the client does not take it."""
        return self._watched(context, seconds, counted=False)

    def look(self, now: float) -> None:
        """End what is too much at this moment, on the clock of time.monotonic()."""
        with self._lock:
            late = [each for each in self._waiting if now - each.since > GRACE_SECONDS]
            counted = [each for each in late if each.counted]
            many = surplus([self._owner(each.context) for each in counted], SHARE, MOST)
            over = {each for each in late if now > each.until} | {counted[index] for index in many}
            between = {each for each in late if self._closing and not each.counted}
            for each in over | between:
                del self._waiting[each]
                each.context.cancel()  # type: ignore[no-untyped-call]  # the stub forgot to annotate it
            for _ in over - between:
                self._ended()

    @contextmanager
    def _watched(self, context: grpc.ServicerContext, seconds: float, *, counted: bool) -> Iterator[None]:
        now = time.monotonic()
        waiting = _Waiting(context, now, now + seconds, counted)
        with self._lock:
            self._waiting[waiting] = None
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(waiting, None)

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            try:
                self.look(time.monotonic())
            except Exception:  # noqa: BLE001 - one call that cannot be ended must not end the ending of others
                _log.exception("silent calls could not be looked at")


def surplus(owners: Sequence[str], share: int, most: int) -> list[int]:
    """Return which calls are too many, given whose they are from the oldest to the newest; the newest may stay."""
    kept: Counter[str] = Counter()
    over = []
    for index, owner in reversed(list(enumerate(owners))):
        if kept[owner] < share and kept.total() < most:
            kept[owner] += 1
        else:
            over.append(index)
    return over
