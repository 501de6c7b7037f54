"""What we add to requests and answers of waitress: errors in JSON, and bodies that are too large.

waitress has no type annotations, so its classes count as Any here.
"""

import json
import time

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

from serving.http.answers import RETRY_SECONDS, error_body, new_uid
from serving.http.workers import BusyError

READ_OFF_BYTES = 64 * 1024 * 1024
"""A body that is too large is read and dropped up to this size: a client that is still sending would not see the
answer, only a connection that breaks."""


class JsonErrorTask(ErrorTask):  # type: ignore[misc]  # see the module's docstring
    """Answers what waitress itself refuses, such as a broken request line."""

    def execute(self) -> None:
        """Send the answer."""
        error = self.request.error
        message = f"{error.reason}: {error.body}"
        body = json.dumps(error_body(message, error.code, new_uid()), separators=(",", ":")).encode()
        self.status = f"{error.code} {error.reason}"
        self.content_length = len(body)
        self.response_headers.append(("Content-Type", "application/json"))
        busy = isinstance(error, BusyError)
        if busy:
            self.response_headers.append(("Retry-After", str(RETRY_SECONDS)))
        if not busy or self.channel.server.draining:
            self.set_close_on_finish()
        self.write(body)


class LastTask(WSGITask):  # type: ignore[misc]
    """Answers a request; tells the client to connect anew when the server is stopping."""

    def start(self) -> None:
        """Begin."""
        super().start()
        if self.channel.server.draining:
            self.set_close_on_finish()

    def write(self, data: bytes) -> None:
        """Send a piece of the answer."""
        if self.wrote_header:
            super().write(data)
        else:  # head and body in one packet
            self.channel.together(lambda: super(LastTask, self).write(data))


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Receives one request. Reads off a body that is too large, keeping none of it, before the request is refused."""

    _left = 0

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started = time.time()

    def received(self, data: bytes) -> int:
        """Take bytes as they come, and return how many of them belong to this request."""
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
