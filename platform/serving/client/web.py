"""The client over HTTP, with nothing but the standard library."""

import base64
import http.client
import json
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from serving.answer import Hints, ModelStatus
from serving.client.attempts import AgainError, patiently
from serving.client.credentials import Credentials
from serving.client.exchange import Exchange, Got, Sent
from serving.client.results import Patience, RefusedError, Result, UnreachableError
from serving.forms import NATIVE
from serving.security.signing import Signable

_T = TypeVar("_T")

_TRY_AGAIN = {429, 503}


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
        self._exchange = Exchange(
            http.client.HTTPSConnection(parts.hostname, parts.port, context=self._credentials.context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.hostname, parts.port)
        )
        self._prefix = parts.path.rstrip("/")
        self._patience = patience or Patience()

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
        content = json.dumps(body).encode()
        return self._ask("POST", "/captcha/v1", lambda answer: _results(answer, len(pictures)), content)

    def models(self) -> list[ModelStatus]:
        """Return every version that the service knows; raises as `read`."""
        return self._ask("GET", "/v2/models", _models)

    def ready(self) -> bool:
        """Whether the service takes requests; False as well if it cannot be reached. Asked once."""
        try:
            got = self._send("GET", "/v2/health/ready", None, self._patience.seconds)
        except (OSError, http.client.HTTPException):
            return False
        return got.status == http.client.OK

    def close(self) -> None:
        """Close the connection."""
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, shape: Callable[[Any], _T], body: bytes | None = None) -> _T:
        got = patiently(lambda seconds: self._attempt(method, path, body, seconds), self._patience)
        try:
            return shape(json.loads(got.content))
        except (LookupError, TypeError, ValueError) as error:
            raise RefusedError(
                f"{self._url} answered with something else: is it this service?", got.status, 0
            ) from error

    def _attempt(self, method: str, path: str, body: bytes | None, seconds: float) -> Got:
        try:
            got = self._send(method, path, body, seconds)
        except (OSError, http.client.HTTPException) as error:
            raise AgainError(UnreachableError(f"no answer from {self._url}: {error!r}")) from error
        if got.status == http.client.OK:
            return got
        refused = _refusal(got, self._url)
        if got.status in _TRY_AGAIN:
            wait = got.headers.get("Retry-After", "")
            raise AgainError(refused, float(wait) if wait.isdecimal() else 0.0)
        raise refused

    def _send(self, method: str, path: str, body: bytes | None, seconds: float) -> Got:
        # The path behind a proxy's prefix is what the service sees, so that is what is signed.
        headers = self._credentials.headers(Signable(method, path, "", body or b""))
        headers["Accept"] = NATIVE
        if body:
            headers["Content-Type"] = "application/json"
        return self._exchange.ask(Sent(method, self._prefix + path, body, headers), seconds)


def _refusal(got: Got, url: str) -> RefusedError:
    """What an answer that is no success says, also where it comes from something else on the way, as a proxy."""
    try:
        told = json.loads(got.content)
        return RefusedError(str(told["message"]), got.status, int(told.get("code", 0)))
    except (LookupError, TypeError, ValueError):
        return RefusedError(f"{url} answered {got.status} and not in its own form: is it this service?", got.status, 0)


def _results(answer: Any, count: int) -> list[Result]:  # noqa: ANN401 - JSON
    results = [_result(one) for one in answer["results"]]
    if len(results) != count:
        raise ValueError(f"{len(results)} results for {count} pictures")
    return results


def _result(one: Any) -> Result:  # noqa: ANN401 - JSON
    message = str(one["message"])
    return Result(
        text=message if one["success"] else "",
        confidence=float(one["confidence"]),
        model=str(one["model"]),
        version=str(one["version"]),
        code=int(one["code"]),
        message="" if one["success"] else message,
    )


def _models(answer: Any) -> list[ModelStatus]:  # noqa: ANN401 - JSON
    return [
        ModelStatus(**{**one, "sites": tuple(one["sites"]), "size": tuple(one["size"])}) for one in answer["models"]
    ]
