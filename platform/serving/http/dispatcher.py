"""Which thread answers which request, and the bound on how many are answered at once."""

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

    Args:
        threads: how many POST requests run at once.
        meter: is told of each refusal.
        spare: threads for other requests and for refusals.
    """

    def __init__(self, threads: int, meter: Meter, spare: int = 2) -> None:
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
