"""One request over HTTP or gRPC, made once and never again: what failed is a result too."""

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import grpc

from serving.client.credentials import Credentials
from serving.client.exchange import Exchange, Sent
from serving.client.rpc import open_channel
from serving.forms import NATIVE
from serving.security.signing import Signable, signed_as
from serving.wire.recognizer_pb2 import PredictRequest, PredictResult

_PATH = "/captcha/v1"
_WORKED = re.compile(r"app;dur=([0-9.]+)")


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        text: that was read.
        error: why it failed, in a word or two; else empty.
        worked: seconds that the service says it worked; None if it does not say.
    """

    text: str = ""
    error: str = ""
    worked: float | None = None


class Sender(Protocol):
    """Sends pictures over a connection of its own."""

    def send(self, picture: bytes) -> Outcome:
        """Send one picture."""

    def close(self) -> None:
        """Close the connection."""


class HttpSender:
    """Sends over HTTP.

    Args:
        url: of the service.
        seconds: for a request and its answer.
        credentials: if the service wants a key.
    """

    def __init__(self, url: str, seconds: float, credentials: Credentials) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._credentials = credentials
        self._seconds = seconds
        self._path = parts.path.rstrip("/") + _PATH
        self._exchange = Exchange(
            http.client.HTTPSConnection(host, parts.port, context=credentials.context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port)
        )

    def send(self, picture: bytes) -> Outcome:
        """Send one picture."""
        headers = {"Content-Type": "image/png", "Accept": NATIVE}
        headers |= self._credentials.headers(Signable("POST", _PATH, "", picture))
        try:
            got = self._exchange.ask(Sent("POST", self._path, picture, headers), self._seconds)
        except (OSError, http.client.HTTPException) as error:
            return Outcome(error=type(error).__name__)
        if got.status != http.client.OK:
            return Outcome(error=f"HTTP {got.status}")
        try:
            text = str(json.loads(got.content)["message"])
        except (LookupError, TypeError, ValueError):
            return Outcome(error="another service")
        return Outcome(text, "", worked_of(got.headers.get("Server-Timing", "")))

    def close(self) -> None:
        """Close the connection."""
        self._exchange.close()


class GrpcSender:
    """Sends over gRPC; as HttpSender."""

    def __init__(self, address: str, seconds: float, credentials: Credentials, *, tls: bool = False) -> None:
        self._channel = open_channel(address, credentials, tls=tls)
        self._predict: Any = self._channel.unary_unary(
            "/Predict/predict", request_serializer=bytes, response_deserializer=PredictResult.FromString
        )
        self._seconds = seconds
        self._credentials = credentials

    def send(self, picture: bytes) -> Outcome:
        """Send one picture."""
        request = PredictRequest(pictures=[picture]).SerializeToString()
        metadata = self._credentials.metadata(signed_as("predict", request))
        try:
            answer, call = self._predict.with_call(request, timeout=self._seconds, metadata=metadata)
        except grpc.RpcError as error:
            return Outcome(error=f"gRPC {error.code().name}")
        if answer.code:  # as a service with Grpc.LegacyOk sends errors
            return Outcome(error=f"gRPC OK, code {answer.code}")
        timing = next((item.value for item in call.trailing_metadata() or () if item.key == "server-timing"), "")
        return Outcome(answer.result, "", worked_of(timing))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def worked_of(timing: str) -> float | None:
    """Return the seconds in a header Server-Timing; None if it has none of ours."""
    found = _WORKED.search(timing)
    return float(found[1]) / 1000 if found else None
