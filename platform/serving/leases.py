"""The sessions that one request holds, and its part of the work at each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from contract.pixels import Pixels
from serving import withdrawal
from serving.errors import OverloadedError
from serving.pool import Session
from serving.ticket import Result, Ticket


@dataclass(eq=False)
class Work:
    """The part of a request that one session does.

    Attributes:
        session: which.
        planned: indices in the request of the pictures that are to be decoded for it.
        indices: of those that could be.
        pixels: what they became, each uint8 [H, W, C].
        size: of the planned pictures as they came, in bytes.
        reserved: room in the session's queue that is kept for them.
        ticket: for what was submitted; None before, and if no picture could be decoded.
    """

    session: Session
    planned: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    pixels: list[Pixels] = field(default_factory=list)
    size: int = 0
    reserved: int = 0
    ticket: Ticket | None = None

    def plan(self, index: int, size: int) -> None:
        """Take on a picture of so many bytes."""
        self.planned.append(index)
        self.size += size

    def reserve(self) -> None:
        """Keep room in the queue for what is planned, or raise `OverloadedError`."""
        self.session.batcher.reserve(len(self.planned))
        self.reserved = len(self.planned)

    def add(self, index: int, pixels: Pixels) -> None:
        """Take in a picture that was decoded."""
        self.indices.append(index)
        self.pixels.append(pixels)

    def submit(self, deadline: float) -> None:
        """Queue what was decoded, or raise `OverloadedError`."""
        if self.pixels:
            self.ticket = self.session.batcher.submit(self.pixels, deadline, self.reserved)
            self.reserved = 0

    def cancel(self) -> None:
        """Take what has not been started out of the queue."""
        if self.ticket:
            self.session.batcher.cancel(self.ticket)

    def wait(self) -> Sequence[Result]:
        """Return the results in the order of `indices` when they are there."""
        return self.session.batcher.wait(self.ticket) if self.ticket else ()


class Leases:
    """The sessions that a request holds, each once, until the request is answered."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}

    @property
    def sizes(self) -> Counter[str]:
        """Bytes by model."""
        sizes: Counter[str] = Counter()
        for work in self._works.values():
            sizes[work.session.name] += work.size
        return sizes

    def take(self, session: Session) -> Work | None:
        """Return the part of a session, which is held from now on; None if it is being taken away."""
        work = self._works.get(session.key)
        if work is None and session.lease():
            work = self._works[session.key] = Work(session)
        return work

    def reserve(self) -> Sequence[Work]:
        """Keep room for everything that is planned; given back in the end if it was not used."""
        works = list(self._works.values())
        for work in works:
            work.reserve()
        return works

    def submit(self, deadline: float) -> Sequence[Work]:
        """Queue everything, or nothing if one session has no room."""
        works = list(self._works.values())
        try:
            for work in works:
                work.submit(deadline)
        except OverloadedError:
            for work in works:
                work.cancel()
            raise
        for work in works:
            withdrawal.when_withdrawn(work.cancel)
        return works

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for work in self._works.values():
            work.session.batcher.release(work.reserved)
            work.session.give_back()
