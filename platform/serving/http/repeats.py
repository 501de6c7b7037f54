"""Requests that are refused again within the same second, without being parsed again.

At five times the load that the models can do, parsing what is only refused would take a tenth of the processors from
what is answered. Clients that ask again and again send the same head again and again, but for the length of the body.
How the rest of a head is parsed, and what its refusal says, follows from its bytes alone, but for the name of the
request and the time of day.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.http.guard import UNROUTED
from serving.logs import begin_request
from serving.metering import Meter

_MAX_HEADS = 1_000
_MAX_HEAD_BYTES = 4_096
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?<=\r\ncontent-length: )\d{1,9}(?=\r\n)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request that was refused for want of room.

    Attributes:
        raw: up to and with the empty line.
        path: that it asks for.
        body_bytes: that follow it.
    """

    raw: bytes
    path: str
    body_bytes: int


@dataclass(frozen=True, slots=True)
class _Refused:
    path: str
    answer: bytes
    name: bytes


class Repeats:
    """Remembers what was refused within this second, and refuses the same in the same words while there is no room.

    Args:
        full: whether nobody has room for what a path asks for.
        meter: is told of each refusal.
        max_body_bytes: of a request; larger ones are refused for that.
        clock: in seconds since 1970.
    """

    def __init__(
        self,
        full: Callable[[str], bool],
        meter: Meter,
        max_body_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._full = full
        self._meter = meter
        self._clock = clock
        self._max_body_bytes = max_body_bytes
        self._second = 0
        self._refused: dict[tuple[bytes, bytes], _Refused] = {}

    def learn(self, head: Head, answer: bytes, name: str) -> None:
        """Remember a refusal.

        Args:
            head: of the request.
            answer: all that was sent, on a connection that stays open.
            name: of the request, as it stands in the answer.
        """
        self._forget_the_last_second()
        key, body_bytes = _told_apart(head.raw)
        # A length that is written in another way is not found there, and the body would be taken for a request.
        readable = body_bytes == head.body_bytes
        if readable and len(head.raw) <= _MAX_HEAD_BYTES and len(self._refused) < _MAX_HEADS:
            self._refused[key] = _Refused(head.path, answer, name.encode())

    def answer(self, data: bytes) -> bytes | None:
        """Return what to answer to bytes that are one whole request, of which nothing is left to do then.

        Returns:
            None if they are anything else: not known, incomplete, more than one request, or there is room now.
        """
        self._forget_the_last_second()
        if not self._refused:
            return None
        end = data.find(_HEAD_END) + len(_HEAD_END)
        key, length = _told_apart(data[:end])
        known = self._refused.get(key)
        if known is None or len(data) != end + length or length > self._max_body_bytes or not self._full(known.path):
            return None
        self._meter.turned_away("http")
        self._meter.request("http", UNROUTED, "503", 0.0)
        return known.answer.replace(known.name, begin_request().encode())

    def _forget_the_last_second(self) -> None:  # the answers have the time of day in them
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._refused = {}


def _told_apart(head: bytes) -> tuple[tuple[bytes, bytes], int]:
    """Return what stands before and behind the length of a head's body, and that length; 0 where none is found."""
    length = _LENGTH.search(head)
    return ((head[: length.start()], head[length.end() :]), int(length[0])) if length else ((head, b""), 0)
