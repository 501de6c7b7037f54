"""The workers of one model: which of them may begin, and who is woken."""

import threading
import time
from dataclasses import dataclass

from engine.reading import Reads
from serving.spare import Shares


@dataclass(frozen=True, eq=False)
class Worker:
    """A thread that runs the model.

    Attributes:
        read: how.
        max_batch: pictures in a usual run.
        aside: whether in spare time.
        bell: what it sleeps on; of the lock of them all.
    """

    read: Reads
    max_batch: int
    aside: bool
    bell: threading.Condition

    @property
    def most(self) -> int:
        """Pictures in one run of its own: half as many in spare time, where they take about twice as long."""
        return -(-self.max_batch // 2) if self.aside else self.max_batch


class Crew:
    """Those that have nothing to do. Under the lock of whoever keeps them.

    The worker that was free last is the first to go on: under little load the others' cores keep what they have near
    them for the threads of the transports.

    Args:
        shares: say which runs may begin.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._free: dict[bool, list[Worker]] = {False: [], True: []}  # by whether aside
        self._called = 0  # usual workers that have been woken and have not looked yet

    def may_run(self, worker: Worker, waiting: int) -> bool:
        """Whether a worker may begin, with so many pictures that wait."""
        now = time.monotonic()
        if worker.aside:
            return self._shares.allows_aside(waiting, now)
        return self._shares.allows(waiting, now)

    def rest(self, worker: Worker) -> None:
        """Sleep until there is something to do."""
        self._free[worker.aside].append(worker)
        worker.bell.wait()
        self._called -= not worker.aside

    def wake_one(self, waiting: int) -> None:
        """Wake a worker that may begin, with so many pictures that wait."""
        now = time.monotonic()
        if self._free[False] and self._shares.allows(waiting, now, self._called):
            self._wake(aside=False)
        elif self._free[True] and self._shares.allows_aside(waiting, now):
            self._wake(aside=True)

    def wake_all(self) -> None:
        """Wake everybody."""
        for aside, workers in self._free.items():
            while workers:
                self._wake(aside=aside)

    def _wake(self, *, aside: bool) -> None:
        self._called += not aside
        self._free[aside].pop().bell.notify()
