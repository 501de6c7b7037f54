"""The threads that answer requests, and the bound on how many are answered at once."""

import logging
import threading
import time
from collections import deque
from functools import partial
from typing import Any, Protocol

from waitress.utilities import Error

from serving import turns
from serving.metering import Meter

AT_ONCE = 4
"""Threads that answer POST requests and work. One that works has the interpreter, or is about to want it."""

_TURNS = 4  # one of them for those that were refused

_log = logging.getLogger(__name__)


class Task(Protocol):
    """One request to answer: a channel of waitress."""

    @property
    def refused(self) -> bool:
        """Whether the answer before was that there is too much to do."""

    def service(self) -> None:
        """Answer it."""

    def cancel(self) -> None:
        """Forget it."""


class BusyError(Error):  # type: ignore[misc]  # waitress has no annotations
    """What a request is refused with when too many are in work."""

    code = 503
    reason = "Service Unavailable"


class Workers:
    """Threads, started when they are needed. The one that was free last works next: its memory is still near the CPU.

    A client that was refused and asks again comes behind the others, so that a flood for one model does not hold up the
    requests for another.

    Args:
        most: tasks in hand.
        name: of the threads.
        at_once: threads that work at the same time; those that wait for a model do not count. None for as many as
            there are.
    """

    def __init__(self, most: int, name: str, at_once: int | None = None) -> None:
        self._most = most
        self._name = name
        self._at_once = at_once or most
        self._lock = threading.Lock()
        self._working = 0
        self._free: list[_Worker] = []
        self._waiting = _Line()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._here = threading.local()

    def take(self, task: Task, *, wait: bool) -> bool:
        """Do a task as soon as it is its turn; return False if there are too many, and it shall not wait for that."""
        mine: _Worker | None = getattr(self._here, "worker", None)
        # The next request of the connection that this thread is about to be done with, unless others wait for longer.
        if mine and mine.works and mine.task is None and not self._waiting:
            mine.task = task
            return True
        with self._lock:
            if self._working < self._at_once:
                return self._start(task) or (wait and self._waiting.add(task))
            in_hand = len(self._threads) - len(self._free) + len(self._waiting)
            return (wait or in_hand < self._most) and self._waiting.add(task)

    def stop(self, seconds: float) -> None:
        """Forget what waits, and end the threads; those that are busy longer than this are left to themselves."""
        with self._lock:
            self._stopped = True
            while task := self._waiting.next():
                task.cancel()
            for worker in self._free:
                worker.ready.release()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self, task: Task) -> bool:
        worker = self._free.pop() if self._free else self._new()
        if worker:
            self._working += 1
            worker.works = True
            worker.task = task
            worker.ready.release()
        return worker is not None

    def _new(self) -> "_Worker | None":
        if len(self._threads) >= self._most or self._stopped:
            return None
        worker = _Worker()
        thread = threading.Thread(target=self._work, args=(worker,), name=f"{self._name}-{len(self._threads)}")
        thread.daemon = True
        try:
            thread.start()
        except RuntimeError as error:  # the system has none left
            if not self._threads:
                raise
            _log.warning("no new thread: %s; the %d that there are go on", error, len(self._threads))
            return None
        self._threads.append(thread)
        return worker

    def _work(self, worker: "_Worker") -> None:
        self._here.worker = worker
        turns.on_wait(partial(self._give_turn, worker))
        while True:
            worker.ready.acquire()
            task, worker.task = worker.task, None
            while task:
                _do(task)
                task = self._next(worker)
            if self._stopped:
                return

    def _give_turn(self, worker: "_Worker") -> None:
        """Let another thread work while this one waits for a model; it comes back to little more than an answer."""
        with self._lock:
            if worker.works:
                worker.works = False
                self._working -= 1
                self._go_on()

    def _next(self, worker: "_Worker") -> Task | None:
        """Return what a thread does next; without anything it is free."""
        task, worker.task = worker.task, None  # before it is free, when others may give it one
        if task:
            return task
        with self._lock:
            self._working -= worker.works
            worker.works = False
            if not self._stopped:
                self._free.append(worker)
                self._go_on()
        return None

    def _go_on(self) -> None:
        task = self._waiting.next() if self._working < self._at_once else None
        if task and not self._start(task):
            self._waiting.add(task)


class _Line:
    """Who waits, in two lines: who was refused just now has every fourth turn, and what the others leave."""

    def __init__(self) -> None:
        self._first: deque[Task] = deque()
        self._again: deque[Task] = deque()
        self._turn = 0

    def __len__(self) -> int:
        return len(self._first) + len(self._again)

    def add(self, task: Task) -> bool:
        (self._again if task.refused else self._first).append(task)
        return True

    def next(self) -> Task | None:
        self._turn = (self._turn + 1) % _TURNS
        line = (self._first or self._again) if self._turn else (self._again or self._first)
        return line.popleft() if line else None


class _Worker:
    """A thread's next task, whether it has a turn, and the lock that it sleeps on until there is something to do."""

    __slots__ = ("ready", "task", "works")

    def __init__(self) -> None:
        self.task: Task | None = None
        self.works = False
        self.ready = threading.Lock()
        self.ready.acquire()


def _do(task: Task) -> None:
    try:
        task.service()
    except Exception:  # noqa: BLE001 - a defect of one request must not end the thread of the next ones
        _log.exception("a request could not be answered")


class BoundedDispatcher:
    """Lets a bounded number of requests into the application, and answers the rest at once.

    waitress would queue without a bound, where neither an admission control nor a deadline reaches. Requests other than
    POST do no long work; they have threads of their own, so that health is answered under load.

    Args:
        threads: how many POST requests run at once.
        meter: is told of each refusal.
        spare: threads for other requests and for refusals.
    """

    def __init__(self, threads: int, meter: Meter, spare: int = 4) -> None:
        self._meter = meter
        self._posts = Workers(threads, "http", AT_ONCE)
        self._others = Workers(spare, "http-quick")

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a channel of waitress
        """Start to answer the first request of a channel."""
        request = task.requests[0]
        if request.error is None and request.command == "POST":
            if self._posts.take(task, wait=False):
                return
            self._meter.turned_away("http")
            request.error = BusyError("too many requests at once: try again later")
        self._others.take(task, wait=True)

    def shutdown(self, seconds: float) -> None:
        """Stop the threads; those that are still busy after so long are left to themselves."""
        self._others.stop(seconds)
        self._posts.stop(seconds)
