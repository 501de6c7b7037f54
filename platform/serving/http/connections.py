"""What we add to connections of waitress: bounds on their time, and what is answered without any thread.

waitress has no type annotations, so its classes count as Any here.
"""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel

from serving.http.exchange import JsonErrorTask, LastTask, Parser

RECEIVE_SECONDS = 60.0
"""How long a client may take to send one request: one that drips bytes would hold its connection for ever."""

HEADER_SECONDS = 15.0
"""How long it may take until the header of the request is there; nothing but the network makes that slow."""

QUIET_SECONDS = 1.0
"""How long a connection must have been quiet to be closed when the service stops. Another request may be on its way on
one that was just used or opened; its answer then tells the client to connect anew."""

NEW_SECONDS = 0.1
"""A new connection has its turn like one whose last answer is so long ago: neither those that are open nor those that
are opened without pause keep the others waiting."""

PATIENCE_SECONDS = 5.0
"""How long a request may have been on its way when another client needs the connection that it comes on."""


class Channel(HTTPChannel):  # type: ignore[misc]  # see the module's docstring
    """One connection.

    Attributes:
        answered_at: when it had its last answer, or was opened, on the clock of time.monotonic().
        sending: whether the thread that answers sends now, which says so if something is left for the loop to send.
    """

    task_class = LastTask
    error_task_class = JsonErrorTask
    parser_class = Parser

    def __init__(self, server: Any, *more: Any, **named: Any) -> None:  # noqa: ANN401 - as waitress has them
        self._home = threading.get_ident()  # the loop makes all channels, and it alone may close them
        self._gathered: list[bytes] | None = None
        self._ended = False
        self._answers_next = False
        self.answered_at = time.monotonic() - NEW_SECONDS
        self.sending = False
        self._listener = server
        super().__init__(_Seat(server, self), *more, **named)
        server.crowd.add(self.addr[0], self)

    def del_channel(self, *map_: Any) -> None:  # noqa: ANN401 - as above
        """Be one of the open connections no more."""
        super().del_channel(*map_)
        if self.addr:  # not if it was gone before it was one
            self.server.crowd.drop(self.addr[0], self)

    def readable(self) -> bool:
        """Whether the loop should wait for bytes."""
        if self._ended and self.requests:
            return False
        return bool(super().readable()) or (self.sending and not self.requests[1:])

    def writable(self) -> bool:
        """Whether the loop should wait for room to send."""
        return not self.sending and bool(super().writable())

    def handle_read(self) -> None:
        """Take what has come. A client that will send nothing more gets its answer before its connection is closed."""
        if self.requests and self._at_the_end():
            self._ended = True
        else:
            super().handle_read()

    def received(self, data: bytes) -> bool:
        """Take in what has come, and answer what is to be answered here."""
        again = self._refused_again(data)
        if again:
            self._send_now(again)
            self._map.gather()
            return True
        whole = bool(super().received(data))
        while self._answers_next:
            self._answers_next = False
            self.service()
            self._map.gather()
        return whole

    def _refused_again(self, data: bytes) -> bytes | None:
        with self.requests_lock:
            between = not (self.requests or self.request or self.will_close or self.close_when_flushed)
        return self._listener.repeats.answer(data) if between and not self._listener.draining else None

    def answers_itself(self) -> bool:
        """Take on to answer the first request in the loop, once what has come is taken in; what is quickly done.

        Returns:
            False on another thread: then somebody else has to.
        """
        self._answers_next = threading.get_ident() == self._home
        return self._answers_next

    def send(self, data: Any, do_close: bool = True) -> int:  # noqa: ANN401, FBT001, FBT002 - as in waitress
        """Send some bytes and return how many. If the client has gone, the loop finds out and closes."""
        if not self.connected:  # the loop has closed it since
            return 0
        return int(super().send(data, do_close and threading.get_ident() == self._home))

    def write_soon(self, data: Any) -> int:  # noqa: ANN401 - bytes, or a buffer of waitress
        """Send, or keep for the end of `together`."""
        if self._gathered is None or not isinstance(data, bytes):
            return self._send_now(data)
        self._gathered.append(data)
        return len(data)

    def together(self, write: Callable[[], None]) -> bytes:
        """Send at once what an action writes, and return it."""
        parts: list[bytes] = []
        self._gathered = parts
        try:
            write()
        finally:
            self._gathered = None
        sent = b"".join(parts)
        self._send_now(sent)
        return sent

    def _send_now(self, data: Any) -> int:  # noqa: ANN401 - as above
        self.answered_at = time.monotonic()
        self.sending = True
        try:
            return int(super().write_soon(data))
        finally:
            self.sending = False

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Send what waits; end a connection that takes none of its answers, where waitress would wait without end."""
        most = self.adj.outbuf_high_watermark
        if self.total_outbufs_len <= most:
            return
        with self.outbuf_lock:
            self._flush_exception(self._flush_some, do_close=False)
            if self.total_outbufs_len > most:
                self.connected = False
                self.close_soon()

    def service(self) -> None:
        """Answer the next request; a connection on which not even an error can be told is closed."""
        try:
            super().service()
        except Exception:
            with self.requests_lock:
                self.requests: list[Any] = []
            self.connected = False
            self.close_soon()
            raise

    def close_soon(self) -> None:
        """Close in the loop."""
        self.will_close = True
        if self.total_outbufs_len:  # the socket of a client that fetches nothing is never ready to be written to
            self._map.drop(self)
            self._listener.trigger.pull_trigger()
        else:
            self._map.note(self)

    def _at_the_end(self) -> bool:
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return False

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
        if not self.request or self.requests:
            return False
        longest = RECEIVE_SECONDS if self.request.headers_finished else HEADER_SECONDS
        return bool(now - self.request.started > longest)


class _Seat:
    """A listener as one of its channels sees it: the loop is only woken if it does not look after that channel yet."""

    def __init__(self, listener: Any, channel: Channel) -> None:  # noqa: ANN401 - a Listener, which knows this class
        self._listener = listener
        self._channel = channel

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self._listener, name)

    def pull_trigger(self) -> None:
        self._channel.sending = False
        self._listener.look_after(self._channel)
