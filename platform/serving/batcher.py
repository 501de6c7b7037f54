"""A bounded queue in front of one loaded model, and the workers that take what waits and run it as one batch."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from contract.pixels import Pixels
from engine.reading import Reads
from serving import priority, turns
from serving.core_settings import BatchingSection
from serving.crew import Crew, Worker
from serving.errors import ModelFailedError, OverloadedError
from serving.runs import Run, results_of
from serving.spare import Aside, Shares
from serving.ticket import NOT_STARTED, STARTED, Item, Result, Ticket

Ran = Callable[[Sequence[float], float], None]

HUNG_SECONDS = 30.0  # after its deadline, started work is given up: the run hangs
LATE_SECONDS = 0.1  # a request that waits for so long has a look at the runs, again and again
CLOSING_SECONDS = 10.0  # for the work that is under way when a batcher is closed

_log = logging.getLogger(__name__)


class Batcher:
    """Puts waiting pictures of one model together.

    Each model has its own queue and workers, so a flooded model fills its own queue and no other.

    Args:
        read: reads pixels uint8 [N, H, W, C].
        settings: sizes and delays.
        name: of the model, for logs and messages.
        ran: told of each run how long its pictures had waited and how long it took, in seconds.
        aside: reads pixels as `read` does, in spare time; without it all runs are usual ones.
    """

    def __init__(
        self,
        read: Reads,
        settings: BatchingSection,
        name: str,
        ran: Ran = lambda _waits, _seconds: None,
        aside: Aside | None = None,
    ) -> None:
        self._ran = ran
        self._settings = settings
        self._name = name
        self._waiting: deque[Item] = deque()
        self._coming = 0  # pictures that room is kept for
        self._closed = False
        self._given_up: set[Ticket] = set()  # whose runs hang, unless they come back after all
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._gathering = 0  # workers that wait for a larger batch
        self._shares = Shares(settings.runs, settings.Queue, aside)
        self._crew = Crew(self._shares)
        self._threads: list[threading.Thread] = []
        works = [(read, False)] * settings.runs + ([(aside.read, True)] if aside else [])
        try:
            for number, (how, in_spare_time) in enumerate(works):
                worker = Worker(how, settings.MaxBatch, in_spare_time, threading.Condition(self._lock))
                thread = threading.Thread(target=self._work, args=[worker], name=f"{name}#{number}", daemon=True)
                thread.start()
                self._threads.append(thread)
        except RuntimeError:  # the system gives no more threads
            self.close()
            raise

    @property
    def room(self) -> int:
        """How many more pictures may come before one is refused."""
        return self._settings.Queue - len(self._waiting) - self._coming

    @property
    def depth(self) -> int:
        """How many pictures wait."""
        return len(self._waiting)

    def reserve(self, count: int) -> None:
        """Keep room for so many pictures, all or none, until they are submitted or the room is released.

        Raises:
            OverloadedError: there is no room for them.
        """
        with self._lock:
            self._need_room(count)
            self._coming += count

    def release(self, count: int) -> None:
        """Give back room that was kept and is not needed."""
        with self._lock:
            self._coming -= count

    def submit(self, pictures: Sequence[Pixels], deadline: float, reserved: int = 0) -> Ticket:
        """Queue the pictures of a request, all or none.

        Args:
            pictures: one or more of uint8 [H, W, C], all of the model's input size.
            deadline: on the clock of time.monotonic(); what has not been started by then is not run.
            reserved: the room that was kept for them, which is given back unless this raises.

        Raises:
            OverloadedError: there is no room for them.
        """
        ticket = Ticket(len(pictures), deadline)
        now = time.monotonic()
        with self._lock:
            self._need_room(len(pictures) - reserved)
            self._coming -= reserved
            self._waiting.extend(Item(ticket, index, pixels, now) for index, pixels in enumerate(pictures))
            if self._gathering:
                self._more.notify_all()
            else:
                self._crew.wake_one(len(self._waiting))
        return ticket

    def wait(self, ticket: Ticket) -> Sequence[Result]:
        """Wait until each picture is read or its deadline has passed, and return the results in order.

        What has been started is finished, unless it hangs.
        """
        if ticket.done.acquire(blocking=False):
            return ticket.results
        ticket.seat = turns.here()
        ticket.seat.leave()
        if not self._is_done(ticket, ticket.deadline):
            self.cancel(ticket)
            if not self._is_done(ticket, time.monotonic() + HUNG_SECONDS):
                return self._give_up(ticket)
        return ticket.results

    def cancel(self, ticket: Ticket) -> None:
        """Take the pictures that have not been started out of the queue; their results are `DeadlineError`."""
        with self._lock:
            kept = deque(item for item in self._waiting if item.ticket is not ticket)
            for item in self._waiting:
                if item.ticket is ticket:
                    ticket.put(item.index, NOT_STARTED)
            self._waiting = kept

    def close(self) -> bool:
        """Finish what is queued and end the workers.

        Returns:
            Whether they have ended: not if a run hangs.
        """
        with self._lock:
            self._closed = True
            self._more.notify_all()
            self._crew.wake_all()
        until = time.monotonic() + (0.0 if self._given_up else CLOSING_SECONDS)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _need_room(self, count: int) -> None:
        waiting = len(self._waiting) + self._coming
        if waiting + count > self._settings.Queue or self._closed:
            raise OverloadedError(
                f"{waiting} pictures are waiting for {self._name}, of at most {self._settings.Queue}: try again later"
            )

    def _give_up(self, ticket: Ticket) -> Sequence[Result]:
        _log.error("%s hangs: a run was not done %.0f s after the deadline of its request", self._name, HUNG_SECONDS)
        hung = ModelFailedError(f"the model {self._name} did not finish with this picture")
        with self._lock:
            if ticket.left:
                self._given_up.add(ticket)
            return [hung if result is STARTED else result for result in ticket.results]

    def _is_done(self, ticket: Ticket, until: float) -> bool:
        while not ticket.done.acquire(timeout=max(0.0, min(LATE_SECONDS, until - time.monotonic()))):
            if time.monotonic() >= until:
                return False
            with self._lock:
                self._take_back()
                self._crew.wake_one(len(self._waiting))
        return True

    def _take_back(self) -> None:
        self._waiting.extendleft(reversed(self._shares.take_back(time.monotonic())))

    def _work(self, worker: Worker) -> None:
        priority.step_back()
        while run := self._take(worker):
            results = results_of(run.items, worker.read, self._name)
            ended = time.monotonic()
            with self._lock:
                self._shares.end(run, ended)
                for item, result in zip(run.items, results, strict=True) if not run.lost else ():
                    item.ticket.put(item.index, result)
                    if not item.ticket.left:
                        self._given_up.discard(item.ticket)
            if not run.lost:
                self._tell([run.since - item.since for item in run.items], ended - run.since)

    def _tell(self, waits: Sequence[float], seconds: float) -> None:
        try:
            self._ran(waits, seconds)
        except Exception:  # noqa: BLE001 - what counts the runs must not end them
            _log.exception("a run of %s could not be counted", self._name)

    def _take(self, worker: Worker) -> Run | None:
        """Wait for pictures and take up to a batch of them; None once the batcher is closed and empty."""
        with self._lock:
            self._take_back()
            while True:
                while not (self._crew.may_run(worker, len(self._waiting)) or self._closed):
                    self._shares.note(len(self._waiting), time.monotonic())
                    self._crew.wake_one(len(self._waiting))  # what this one may not do another may
                    self._crew.rest(worker)
                if self._settings.MaxDelayMs and not worker.aside:
                    self._gathering += 1
                    self._more.wait_for(self._has_a_batch, self._settings.MaxDelayMs / 1000)
                    self._gathering -= 1
                run = self._begin(worker)
                self._shares.note(len(self._waiting), time.monotonic())
                if run:
                    self._crew.wake_one(len(self._waiting))  # another worker can start on the rest
                    return run
                if self._closed and not self._waiting:
                    return None

    def _has_a_batch(self) -> bool:
        return len(self._waiting) >= self._settings.MaxBatch or self._closed

    def _begin(self, worker: Worker) -> Run | None:
        now = time.monotonic()
        batch: list[Item] = []
        while self._waiting and len(batch) < worker.most:
            item = self._waiting.popleft()
            if item.ticket.deadline <= now:
                item.ticket.put(item.index, NOT_STARTED)
            else:
                item.ticket.started = item.ticket.started or now
                item.ticket.results[item.index] = STARTED
                batch.append(item)
        if not batch:
            return None
        run = Run(batch, now, aside=worker.aside)
        self._shares.begin(run)
        return run
