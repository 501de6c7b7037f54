"""A flood of requests over HTTP, from a process of its own.

Its senders are not the clients that are measured, and must not hold up their threads. They are one loop over many
connections, which costs the machine little of what it would cost the service's users elsewhere.
"""

import contextlib
import selectors
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from serving.forms import NATIVE
from serving.load.samples import arrivals

PATH = "/captcha/v1"
_RECEIVE_BYTES = 64 * 1024
_LAST_ANSWERS_SECONDS = 10.0
CLOSED, UNANSWERED = 0, -1  # beside the statuses of HTTP
_SHORTEST_WAIT = 0.0005  # seconds; what falls due meanwhile goes out together


@dataclass(frozen=True)
class Poured:
    """What became of a flood.

    Attributes:
        seconds: that it lasted.
        replies: seconds until each answer was there that came meanwhile, by HTTP status; `CLOSED` stands for
            connections that the service closed.
        late: what became of the requests that were in hand at its end, by status; `UNANSWERED` stands for those that
            had no answer long after.
        worked: share of a processor that sending took.
    """

    seconds: float
    replies: Mapping[int, Sequence[float]]
    late: Counter[int]
    worked: float

    @property
    def answers(self) -> Counter[int]:
        """How many answers came while it lasted, by status."""
        return Counter({status: len(times) for status, times in self.replies.items()})

    @property
    def outcomes(self) -> Counter[int]:
        """What became of all requests, by status."""
        return self.answers + self.late


class Flood:
    """Pours once, from a process that stands ready between `with` and its end."""

    def __enter__(self) -> Self:
        self._elsewhere = get_context("spawn").Pool(1)
        self._elsewhere.apply(abs, (0,))  # it has started when this is back
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._elsewhere.terminate()
        self._elsewhere.join()

    def begin(
        self, url: str, pictures: Sequence[bytes], rate: float, seconds: float, connections: int, *, after: float
    ) -> AsyncResult[Poured]:
        """Send requests at a rate, each at its moment, while there is a connection that waits for no answer.

        Args:
            url: of the service.
            pictures: taken in turn.
            rate: a second.
            seconds: for which requests are due.
            connections: how many answers may be waited for at once.
            after: seconds before it begins.
        """
        return self._elsewhere.apply_async(pour, (url, pictures, rate, seconds, connections, after))


def pour(url: str, pictures: Sequence[bytes], rate: float, seconds: float, connections: int, after: float) -> Poured:
    """Send as `Flood.begin` has it, and return what became of it."""
    time.sleep(after)
    parts = urlsplit(url)
    requests = [request_of(picture, parts.netloc) for picture in pictures]
    worked = time.process_time()
    with selectors.DefaultSelector() as answering:
        crowd = _Crowd((parts.hostname or "127.0.0.1", parts.port or 80), connections, answering)
        begun = time.perf_counter()
        for number, due in enumerate(arrivals(rate, seconds, seed=1)):
            while (now := time.perf_counter() - begun) <= seconds and (now < due or not crowd.idle):
                crowd.listen(max(due - now, _SHORTEST_WAIT))
            if now > seconds:
                break
            crowd.send(requests[number % len(requests)])
        passed, worked = time.perf_counter() - begun, time.process_time() - worked
        replies = {status: tuple(times) for status, times in crowd.replies.items()}
        late = crowd.finish()
    return Poured(passed, replies, late, worked / passed)


def request_of(picture: bytes, host: str) -> bytes:
    """Return a whole request for a picture."""
    lines = [f"POST {PATH} HTTP/1.1", f"Host: {host}", "Content-Type: image/png", f"Accept: {NATIVE}"]
    lines += [f"Content-Length: {len(picture)}", "", ""]
    return "\r\n".join(lines).encode() + picture


class _Crowd:
    def __init__(self, address: tuple[str, int], size: int, answering: selectors.BaseSelector) -> None:
        self.replies: defaultdict[int, list[float]] = defaultdict(list)
        self.idle = [_Connection(address) for _ in range(size)]
        self._address = address
        self._answering = answering

    def send(self, request: bytes) -> None:
        connection = self.idle.pop()
        connection.send(request)
        self._answering.register(connection.socket, selectors.EVENT_READ, connection)

    def listen(self, seconds: float) -> None:
        for key, _ in self._answering.select(seconds):
            status = key.data.receive()
            if status is not None:
                self.replies[status].append(time.perf_counter() - key.data.sent)
                self._answering.unregister(key.fileobj)
                self.idle.append(_Connection(self._address) if status == CLOSED else key.data)

    def finish(self) -> Counter[int]:
        """Wait for what is in hand, close all connections, and return what became of it."""
        self.replies.clear()
        until = time.perf_counter() + _LAST_ANSWERS_SECONDS
        while self._answering.get_map() and time.perf_counter() < until:
            self.listen(0.1)
        silent = [key.data for key in self._answering.get_map().values()]
        for connection in [*self.idle, *silent]:
            connection.socket.close()
        late = Counter({status: len(times) for status, times in self.replies.items()})
        return late + Counter({UNANSWERED: len(silent)})


class _Connection:
    """Sends a request and takes in its answer."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._come = b""

    def send(self, request: bytes) -> None:
        self._come = b""
        self.sent = time.perf_counter()
        with contextlib.suppress(OSError):  # it has been closed: so says what is received next
            self.socket.sendall(request)

    def receive(self) -> int | None:
        """Return the status of the answer once all of it is there, or `CLOSED`."""
        try:
            received = self.socket.recv(_RECEIVE_BYTES)
        except OSError:
            received = b""
        if not received:
            self.socket.close()
            return CLOSED
        self._come += received
        head, rest, body = self._come.partition(b"\r\n\r\n")
        if not rest or len(body) < _length(head):
            return None
        return int(head.split(b" ", 2)[1])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
