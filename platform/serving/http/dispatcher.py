"""Which thread answers which request, and the bound on how many are answered at once."""

from collections.abc import Callable
from typing import Any

from waitress.utilities import Error

from serving.http.workers import Workers
from serving.metering import Meter

AT_ONCE = 1
"""Threads that answer POST requests and work. One that works has the interpreter, or is about to want it: with four of
them, requests for a model beside one that was flooded took twice as long, and nothing was faster."""


class BusyError(Error):  # type: ignore[misc]  # waitress has no annotations
    """What a request is refused with when too many are in work."""

    code = 503
    reason = "Service Unavailable"


class BoundedDispatcher:
    """Lets a bounded number of requests into the application, and answers the rest at once.

    waitress would queue without a bound, where neither an admission control nor a deadline reaches. Requests other than
    POST do no long work; they have threads of their own, so that health is answered under load.

    Whoever is refused here waits for no thread and no turn: at five times the load that the models can do, the
    application took 250 ms to refuse.

    Args:
        threads: how many POST requests run at once.
        full: whether a path asks for what nobody has room for, while so many requests wait for their turn.
        meter: is told of each refusal.
        spare: threads for other requests and for refusals.
    """

    def __init__(self, threads: int, full: Callable[[str, int], bool], meter: Meter, spare: int = 2) -> None:
        self._full = full
        self._meter = meter
        self._posts = Workers(threads, "http", AT_ONCE)
        self._others = Workers(spare, "http-quick")

    def full(self, path: str) -> bool:
        """Whether a POST request for this path would be refused now."""
        return self._full(path, self._posts.line)

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a channel of waitress
        """Start to answer the first request of a channel."""
        request = task.requests[0]
        if request.error is None and request.command == "POST":
            if not self.full(request.path) and self._posts.take(task, wait=False):
                return
            self._meter.turned_away("http")
            request.error = BusyError("too many requests at once: try again later")
            if task.answers_itself():
                return
        self._others.take(task, wait=True)

    def shutdown(self, seconds: float) -> None:
        """Stop the threads; those that are still busy after so long are left to themselves."""
        self._others.stop(seconds)
        self._posts.stop(seconds)
