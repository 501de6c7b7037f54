"""What we add to waitress: errors in JSON, refusal instead of a queue, bodies that are too large, and draining.

waitress has no type annotations, so its classes count as Any here.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import Error, RequestEntityTooLarge
from waitress.wasyncore import dispatcher

from serving.http.answers import error_body, new_uid
from serving.http.statuses import RETRY_SECONDS
from serving.metering import Meter

READ_OFF_BYTES = 64 * 1024 * 1024
"""A body that is too large is read and dropped up to this size: a client that is still sending would not see the
answer, only a connection that breaks."""

RECEIVE_SECONDS = 60.0
"""How long a client may take to send one request: one that drips bytes would hold its connection for ever."""

QUIET_SECONDS = 1.0
"""How long a connection must have been quiet to be closed when the service stops. Another request may be on its way on
one that was just used or opened; its answer then tells the client to connect anew."""


PATIENCE_SECONDS = 5.0
"""How long a request may have been on its way when another client needs the connection that it comes on."""


class _BusyError(Error):  # type: ignore[misc]  # see the module's docstring
    code = 503
    reason = "Service Unavailable"


class _JsonErrorTask(ErrorTask):  # type: ignore[misc]
    """Answers what waitress itself refuses, such as a broken request line."""

    def execute(self) -> None:
        error = self.request.error
        message = f"{error.reason}: {error.body}"
        body = json.dumps(error_body(message, error.code, new_uid()), separators=(",", ":")).encode()
        self.status = f"{error.code} {error.reason}"
        self.content_length = len(body)
        self.response_headers.append(("Content-Type", "application/json"))
        busy = isinstance(error, _BusyError)
        if busy:
            self.response_headers.append(("Retry-After", str(RETRY_SECONDS)))
        if not busy or self.channel.server.draining:
            self.set_close_on_finish()
        self.write(body)


class _LastTask(WSGITask):  # type: ignore[misc]
    """Answers a request; tells the client to connect anew when the server is stopping."""

    def start(self) -> None:
        super().start()
        if self.channel.server.draining:
            self.set_close_on_finish()


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Receives one request. Reads off a body that is too large, keeping none of it, before the request is refused."""

    _left = 0

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started = time.time()

    def received(self, data: bytes) -> int:
        if self._left:
            taken = min(len(data), self._left)
            self._left -= taken
            self.completed = self._left == 0
            return taken
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            self.error.body = f"the limit is {self.adj.max_request_body_size - 1:,} bytes"
            drop = not self.expect_continue and self.content_length <= READ_OFF_BYTES
            self._left = self.content_length if drop else 0
            self.completed = self._left == 0
        return consumed


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection."""

    task_class = _LastTask
    error_task_class = _JsonErrorTask
    parser_class = _Parser

    def idle(self, now: float) -> bool:
        """Whether nothing is being received, answered or sent, nor about to be."""
        quiet = now - self.last_activity >= QUIET_SECONDS
        return quiet and not (self.requests or self.request or self.total_outbufs_len)

    def dispensable(self, now: float) -> bool:
        """Whether this one may go when there are too many: it is quiet, or its request has long been coming."""
        late = bool(self.request) and now - self.request.started > PATIENCE_SECONDS
        return self.idle(now) or (late and not (self.requests or self.total_outbufs_len))

    def stuck(self, now: float) -> bool:
        """Whether it takes too long to send a request."""
        return bool(self.request) and now - self.request.started > RECEIVE_SECONDS


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """One listening port; all of them share a map of sockets, a dispatcher and the application."""

    channel_class = Channel
    draining = False

    def stop_listening(self) -> None:
        """Take the connections that the kernel has made for us already, then no more. In the loop's thread only."""
        if self.draining:
            return
        taken = -1
        while taken < len(self.active_channels):
            taken = len(self.active_channels)
            self.handle_accept()
        self.draining = True
        dispatcher.close(self)  # the trigger stays open: channels wake the loop with it

    def readable(self) -> bool:
        """Whether to accept connections. Clients that hold many and say nothing must not keep others out."""
        if self.accepting and len(self._map) >= self.adj.connection_limit:
            self._make_room(time.time())
        return bool(super().readable())

    def maintenance(self, now: float) -> None:
        """Close connections that take too long: waitress calls this every few seconds."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.stuck(now):
                channel.will_close = True

    def _make_room(self, now: float) -> None:
        channels = list(self.active_channels.values())
        if any(channel.will_close for channel in channels):
            return  # there will be room in a moment
        dispensable = [channel for channel in channels if channel.dispensable(now)]
        if dispensable:
            min(dispensable, key=lambda channel: channel.last_activity).will_close = True
            self.trigger.pull_trigger()  # the loop may have asked it already whether it wants to write

    def close_idle(self) -> bool:
        """Close connections on which nothing happens; return whether any other is left. In the loop's thread only."""
        channels = list(self.active_channels.values())
        for channel in channels:
            if channel.idle(time.time()):
                channel.will_close = True
        return bool(channels)


class _Task(Protocol):
    def service(self) -> None: ...

    def cancel(self) -> None: ...


class _Counted:
    """A task that gives its place back when it is done."""

    def __init__(self, task: _Task, done: Callable[[], None]) -> None:
        self._task = task
        self._done = done

    def service(self) -> None:
        try:
            self._task.service()
        finally:
            self._done()

    def cancel(self) -> None:
        self._task.cancel()
        self._done()


class BoundedDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Lets a bounded number of requests into the application, and answers the rest at once.

    waitress would queue without a bound, where neither an admission control nor a deadline reaches. Requests other than
    POST do no long work; they have threads of their own, so that health is answered under load.

    Args:
        threads: how many POST requests run at once.
        meter: is told of each refusal.
        spare: threads for other requests and for refusals.
    """

    def __init__(self, threads: int, meter: Meter, spare: int = 4) -> None:
        super().__init__()
        self._meter = meter
        self._places = threading.BoundedSemaphore(threads)
        self._quick = ThreadedTaskDispatcher()
        self.set_thread_count(threads)
        self._quick.set_thread_count(spare)

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a channel of waitress
        """Start to answer the first request of a channel."""
        request = task.requests[0]
        if request.error is None and request.command == "POST":
            if self._places.acquire(blocking=False):
                super().add_task(_Counted(task, self._places.release))
                return
            self._meter.turned_away("http")
            request.error = _BusyError("too many requests at once: try again later")
        self._quick.add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:  # noqa: FBT001, FBT002 - as in waitress
        """Stop the threads; those that are still busy after the timeout, in seconds, are left to themselves."""
        self._quick.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout))
