"""What we add to requests and answers of waitress: errors in JSON, and bodies that are too large.

waitress has no type annotations, so its classes count as Any here.
"""

import json
import time
from http import HTTPStatus

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

from serving.codes import Code
from serving.forms import NATIVE
from serving.http.answers import RETRY_SECONDS
from serving.http.dispatcher import BusyError
from serving.http.guard import UNROUTED
from serving.http.refusals import Trouble
from serving.http.repeats import Head
from serving.logs import begin_request

READ_OFF_BYTES = 64 * 1024 * 1024
"""A body that is too large is read and dropped up to this size: a client that is still sending would not see the
answer, only a connection that breaks."""


class JsonErrorTask(ErrorTask):  # type: ignore[misc]  # see the module's docstring
    """Answers what waitress itself refuses, such as a broken request line."""

    def execute(self) -> None:
        """Send the answer."""
        error, listener = self.request.error, self.channel.server
        trouble = Trouble(error.code, Code(error.code, error.reason), f"{error.reason}: {error.body}")
        native = self.request.headers.get("ACCEPT") == NATIVE
        uid = begin_request()
        refusal = listener.wording.told(self.request.path, trouble, uid, native=native)
        body = json.dumps(refusal.body, separators=(",", ":")).encode()
        self.status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
        self.content_length = len(body)
        self.response_headers += [("Content-Type", "application/json"), *refusal.headers.items()]
        busy = isinstance(error, BusyError)
        if busy:
            self.response_headers.append(("Retry-After", str(RETRY_SECONDS)))
        if not busy or listener.draining:
            self.set_close_on_finish()
        listener.meter.request("http", UNROUTED, str(error.code), 0.0)  # whatever the client is told
        sent = self.channel.together(lambda: self.write(body))
        head = self.request.head() if busy else None
        if head and not self.close_on_finish:
            listener.repeats.learn(head, sent, uid)


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

    path = ""  # until it is known; of a broken request it never is
    _left = 0

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started = time.time()
        self._raw_head = b""  # if it came in one piece

    def head(self) -> Head | None:
        """Return the head of a whole request, if its bytes say all that there is to know of it."""
        whole = self._raw_head and self.completed and not (self.chunked or "EXPECT" in self.headers)
        return Head(self._raw_head, self.path, self.content_length) if whole else None

    def parse_header(self, header_plus: bytes) -> None:
        """Take in the head.

        Raises:
            ParsingError: it is broken.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # of a length with thousands of digits, or a bracket that stands alone
            raise ParsingError(str(error)) from error

    def received(self, data: bytes) -> int:
        """Take bytes as they come, and return how many of them belong to this request."""
        if self._left:
            taken = min(len(data), self._left)
            self._left -= taken
            self.completed = self._left == 0
            return taken
        first = not (self.header_plus or self.headers_finished)
        consumed: int = super().received(data)
        if first and self.headers_finished:
            self._raw_head = data[:consumed]
        if self.error:
            self._refuse(waits=self.expect_continue and consumed == len(data))
        return consumed

    def _refuse(self, *, waits: bool) -> None:
        self.expect_continue = False  # or waitress would tell the client to go on, and wait for what it then sends
        if isinstance(self.error, RequestEntityTooLarge):
            self.error.body = f"the limit is {self.adj.max_request_body_size - 1:,} bytes"
            self._left = 0 if waits or self.content_length > READ_OFF_BYTES else self.content_length
            self.completed = self._left == 0
