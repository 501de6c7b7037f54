"""What waits for a thread's turn, in its order. Pure."""

from heapq import heappop, heappush
from itertools import count
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """What may wait."""

    @property
    def answered_at(self) -> float:
        """When its connection had its last answer, or was opened."""


_Fresh = TypeVar("_Fresh", bound=Waiting)
_Begun = TypeVar("_Begun", bound=Waiting)


class Line(Generic[_Fresh, _Begun]):
    """Tasks that nobody has begun, and threads that can go on with theirs: that whose last answer is longest ago first.

    Args:
        begun: the class of the latter.

    Attributes:
        tasks: how many of the former.
    """

    def __init__(self, begun: type[_Begun]) -> None:
        self.tasks = 0
        self._begun = begun
        self._heap: list[tuple[float, int, _Fresh | _Begun]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, one: _Fresh | _Begun) -> bool:
        """Let one wait behind those that have waited for as long; True, for there is always room."""
        self.tasks += not isinstance(one, self._begun)
        heappush(self._heap, (one.answered_at, next(self._numbers), one))
        return True

    def next(self) -> _Fresh | _Begun:
        """Return whose turn it is."""
        one = heappop(self._heap)[-1]
        self.tasks -= not isinstance(one, self._begun)
        return one
