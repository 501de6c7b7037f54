"""The threads that answer requests, and the bound on how many are answered at once."""

import logging
import threading
import time
from collections import deque
from typing import Any, Protocol

from waitress.utilities import Error

from serving.metering import Meter

_log = logging.getLogger(__name__)


class Task(Protocol):
    """One request to answer: a channel of waitress."""

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

    Args:
        most: how many.
        name: of the threads.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._lock = threading.Lock()
        self._free: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._here = threading.local()

    def take(self, task: Task, *, wait: bool) -> bool:
        """Do a task; return False if no thread is free and it shall not wait for one."""
        mine: _Worker | None = getattr(self._here, "worker", None)
        # The next request of the connection that this thread is about to be done with, unless others wait for longer.
        if mine and mine.task is None and not self._waiting:
            mine.task = task
            return True
        with self._lock:
            worker = self._free.pop() if self._free else self._new()
            if worker:
                worker.task = task
                worker.ready.release()
            elif wait:
                self._waiting.append(task)
            return wait or worker is not None

    def stop(self, seconds: float) -> None:
        """Forget what waits, and end the threads; those that are busy longer than this are left to themselves."""
        with self._lock:
            self._stopped = True
            for task in self._waiting:
                task.cancel()
            self._waiting.clear()
            for worker in self._free:
                worker.ready.release()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

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
        while True:
            worker.ready.acquire()
            task, worker.task = worker.task, None
            while task:
                _do(task)
                task, worker.task = worker.task, None  # before it is free, when others may give it one
                task = task or self._next(worker)
            if self._stopped:
                return

    def _next(self, worker: "_Worker") -> Task | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if not self._stopped:
                self._free.append(worker)
        return None


class _Worker:
    """A thread's next task, and the lock that it sleeps on until there is one."""

    __slots__ = ("ready", "task")

    def __init__(self) -> None:
        self.task: Task | None = None
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
        self._posts = Workers(threads, "http")
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
