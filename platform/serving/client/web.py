"""The client over HTTP, with nothing but the standard library."""

import base64
import http.client
import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from serving.answer import Hints, ModelStatus
from serving.client.attempts import AgainError, patiently
from serving.client.credentials import Credentials
from serving.client.results import Patience, RefusedError, Result, UnreachableError
from serving.forms import NATIVE
from serving.security.signing import Signable

_TRY_AGAIN = {429, 503}
STALE_SECONDS = 30.0
"""A connection that was last used so long ago is made anew: the service, or a proxy before it, closes quiet ones."""


class HttpClient:
    """Asks over HTTP on one connection. Not for several threads at once: give each its own.

    Args:
        url: of the service, as http://127.0.0.1:19951.
        patience: how long to try.
        credentials: where the service wants a key or has TLS.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:19951",
        patience: Patience | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._url = url
        self._credentials = credentials or Credentials()
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no URL of a service: write it as http://127.0.0.1:19951")
        self._connection = (
            http.client.HTTPSConnection(parts.hostname, parts.port, context=self._credentials.context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.hostname, parts.port)
        )
        self._prefix = parts.path.rstrip("/")
        self._patience = patience or Patience()
        self._used_at = 0.0

    def read(self, picture: bytes, hints: Hints | None = None) -> Result:
        """Read one picture.

        Args:
            picture: bytes of a picture file.
            hints: which model is wanted; without any, it is found by the picture's size.

        Raises:
            RefusedError: it cannot be read, or there is no such model.
            UnreachableError: no answer.
        """
        return self.read_all([picture], hints)[0]

    def read_all(self, pictures: Sequence[bytes], hints: Hints | None = None) -> list[Result]:
        """Read pictures in one request; one result each, in order.

        Raises:
            RefusedError: the request as a whole is refused, or no picture of it can be read.
            UnreachableError: no answer.
        """
        hints = hints or Hints()
        body = {
            "image": [base64.b64encode(picture).decode() for picture in pictures],
            "model_site": hints.site,
            "model_type": hints.type,
            "model_name": hints.name,
        }
        answer = self._ask("POST", "/captcha/v1", json.dumps(body).encode())
        return [
            Result(
                text=one["message"] if one["success"] else "",
                confidence=one["confidence"],
                model=one["model"],
                version=one["version"],
                code=one["code"],
                message="" if one["success"] else one["message"],
            )
            for one in answer["results"]
        ]

    def models(self) -> list[ModelStatus]:
        """Return every version that the service knows; raises as `read`."""
        listed = self._ask("GET", "/v2/models")["models"]
        return [ModelStatus(**{**one, "sites": tuple(one["sites"]), "size": tuple(one["size"])}) for one in listed]

    def ready(self) -> bool:
        """Whether the service takes requests; False as well if it cannot be reached. Asked once."""
        try:
            status, _, _ = self._send("GET", "/v2/health/ready", None, self._patience.seconds)
        except (OSError, http.client.HTTPException):
            return False
        return status == http.client.OK

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:  # noqa: ANN401 - JSON
        return patiently(lambda seconds: self._attempt(method, path, body, seconds), self._patience)

    def _attempt(self, method: str, path: str, body: bytes | None, seconds: float) -> Any:  # noqa: ANN401 - JSON
        try:
            status, retry_after, content = self._send(method, path, body, seconds)
        except (OSError, http.client.HTTPException) as error:
            raise AgainError(UnreachableError(f"no answer from {self._url}: {error!r}")) from error
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise RefusedError(f"{self._url} answered {status} and no JSON: is it this service?", status, 0) from error
        if status == http.client.OK:
            return answer
        refused = RefusedError(answer.get("message", ""), status, answer.get("code", 0))
        if status in _TRY_AGAIN:
            raise AgainError(refused, retry_after)
        raise refused

    def _send(self, method: str, path: str, body: bytes | None, seconds: float) -> tuple[int, float, bytes]:
        if time.monotonic() - self._used_at > STALE_SECONDS:
            self._connection.close()
        self._connection.timeout = seconds
        if self._connection.sock:
            self._connection.sock.settimeout(seconds)
        # The path behind a proxy's prefix is what the service sees, so that is what is signed.
        headers = self._credentials.headers(Signable(method, path, "", body or b""))
        headers["Accept"] = NATIVE
        if body:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, self._prefix + path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # else the next request would meet the rest of this one
            raise
        self._used_at = time.monotonic()
        wait = response.getheader("Retry-After", "")
        return response.status, float(wait) if wait.isdecimal() else 0.0, content
