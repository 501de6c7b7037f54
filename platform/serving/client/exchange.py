"""One request over HTTP and its answer, within a time."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

_PIECE_BYTES = 64 * 1024

STALE_SECONDS = 30.0
"""A connection that was last used so long ago is made anew: the service, or a proxy before it, closes quiet ones."""


@dataclass(frozen=True)
class Sent:
    """A request.

    Attributes:
        path: with a proxy's prefix.
        body: None if it has none.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes


class Exchange:
    """Makes requests on one connection, one after the other.

    A socket's limit holds for each of its operations, so it is set anew before each of them. No limit here reaches the
    system that looks up a name, further addresses of a name, and headers or a handshake of TLS that come in drops.

    Args:
        connection: that is made anew as needed.
    """

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._used_at = 0.0

    def ask(self, sent: Sent, seconds: float) -> Got:
        """Return the answer to a request.

        Raises:
            OSError: the connection cannot be made, or breaks; TimeoutError if the answer is not there in time.
            http.client.HTTPException: what came is no HTTP.
        """
        if time.monotonic() - self._used_at > STALE_SECONDS:
            self.close()
        try:
            got = self._asked(sent, time.monotonic() + seconds)
        except (OSError, http.client.HTTPException):
            self.close()  # else the next request would meet the rest of this one
            raise
        self._used_at = time.monotonic()
        return got

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _asked(self, sent: Sent, end: float) -> Got:
        connection = self._connection
        connection.timeout = _left(end)
        if connection.sock is None:
            connection.connect()
        taken = connection.sock  # the connection forgets it with the headers of an answer that is its last
        taken.settimeout(_left(end))
        connection.request(sent.method, sent.path, sent.body, dict(sent.headers))
        taken.settimeout(_left(end))
        response = connection.getresponse()
        pieces = []
        while not response.isclosed():
            taken.settimeout(_left(end))
            piece = response.read1(_PIECE_BYTES)
            if not piece:
                break
            pieces.append(piece)
        if response.length:
            raise http.client.IncompleteRead(b"".join(pieces), response.length)
        response.read()  # nothing, but only this sees that the last piece was the last
        return Got(response.status, response.headers, b"".join(pieces))


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer was not there in time")
    return left
