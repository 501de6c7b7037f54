"""Threads that do tasks, a few of them at a time."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from serving import affinity, turns
from serving.http.line import Line

_log = logging.getLogger(__name__)


class Task(Protocol):
    """One request to answer: a channel of waitress."""

    @property
    def answered_at(self) -> float:
        """When its connection had its last answer, or was opened."""

    def service(self) -> None:
        """Answer it."""

    def cancel(self) -> None:
        """Forget it."""


class Workers:
    """Threads, started when they are needed. The one that was free last works next: its memory is still near the CPU.

    Of what waits, that of the connection comes first whose last answer is longest ago, so that clients that ask without
    pause do not hold up those that ask now and then, and each has its turn.

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
        self._waiting: Line[Task, _Return] = Line(_Return)
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
            in_hand = len(self._threads) - len(self._free) + self._waiting.tasks
            return (wait or in_hand < self._most) and self._waiting.add(task)

    @property
    def line(self) -> int:
        """How many tasks wait for their turn."""
        return self._waiting.tasks

    def stop(self, seconds: float) -> None:
        """Forget what waits, and end the threads; those that are busy longer than this are left to themselves."""
        with self._lock:
            self._stopped = True
            while self._waiting:
                one = self._waiting.next()
                if isinstance(one, _Return):
                    one.wake()
                else:
                    one.cancel()
            for worker in self._free:
                worker.ready.release()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def leave(self, worker: "_Worker") -> None:
        """Let another thread work while this one waits."""
        with self._lock:
            if worker.works:
                worker.works = False
                self._working -= 1
                self._go_on()

    def come_back(self, one: "_Return") -> None:
        """Wake a thread that waits when it is its turn."""
        with self._lock:
            if one.needs_turn and not self._stopped:
                self._waiting.add(one)
                self._go_on()
            else:
                one.wake()

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
        affinity.stay_aside()
        self._here.worker = worker
        while True:
            worker.ready.acquire()
            task, worker.task = worker.task, None
            while task:
                turns.take(_Seat(self, worker, worker.done, task.answered_at))
                _do(task)
                worker.done += 1
                task = self._next(worker)
            if self._stopped:
                return

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
        aside: list[Task] = []  # for which there is no thread; those behind them may have theirs
        while self._waiting and self._working < self._at_once:
            one = self._waiting.next()
            if not isinstance(one, _Return):
                if aside or not self._start(one):
                    aside.append(one)
                continue
            if one.needs_turn:
                one.seat.worker.works = True
                self._working += 1
            one.wake()
        for task in aside:
            self._waiting.add(task)


class _Worker:
    """What others know of a thread, and the lock that it sleeps on until there is something to do.

    Attributes:
        task: that it does next.
        done: how many it has done.
        works: whether it has a turn.
        ready: held while there is nothing to do.
    """

    __slots__ = ("done", "ready", "task", "works")

    def __init__(self) -> None:
        self.task: Task | None = None
        self.done = 0
        self.works = False
        self.ready = threading.Lock()
        self.ready.acquire()


@dataclass(frozen=True, slots=True)
class _Seat:
    """A thread at one of its tasks."""

    workers: Workers
    worker: _Worker
    number: int
    answered_at: float

    def leave(self) -> None:
        self.workers.leave(self.worker)

    def come_back(self, wake: Callable[[], None]) -> None:
        self.workers.come_back(_Return(self, wake))


@dataclass(frozen=True, slots=True)
class _Return:
    """A thread that has waited and can go on."""

    seat: _Seat
    wake: Callable[[], None]

    @property
    def answered_at(self) -> float:
        return self.seat.answered_at

    @property
    def needs_turn(self) -> bool:
        # It may have come back already, or given up waiting and be done with that task.
        worker = self.seat.worker
        return worker.done == self.seat.number and not worker.works


def _do(task: Task) -> None:
    try:
        task.service()
    except Exception:  # noqa: BLE001 - a defect of one request must not end the thread of the next ones
        _log.exception("a request could not be answered")
