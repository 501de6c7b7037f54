"""The client over gRPC."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from serving.answer import Hints
from serving.client.attempts import AgainError, patiently
from serving.client.credentials import Credentials
from serving.client.results import ClientError, Patience, RefusedError, Result, UnreachableError
from serving.codes import NO_MODEL
from serving.security.signing import signed_as
from serving.wire.recognizer_pb2 import PictureResult, PredictRequest, PredictResult
from serving.wire.recognizer_pb2_grpc import PredictStub

_TRY_AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED}
"""We cancel nothing ourselves: a service that ends does."""

_TRY_AGAIN_CODES = {429, 503, NO_MODEL.number}
_TOO_LARGE_CODE = 413
_TOO_LARGE = "larger than max"  # in gRPC's own words


class GrpcClient:
    """Asks over gRPC. May be used by several threads at once.

    Args:
        address: of the service, as 127.0.0.1:50054.
        patience: how long to try.
        credentials: where the service wants a key or has TLS.
        tls: whether to encrypt.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:50054",
        patience: Patience | None = None,
        credentials: Credentials | None = None,
        *,
        tls: bool = False,
    ) -> None:
        self._address = address
        self._credentials = credentials or Credentials()
        self._channel = open_channel(address, self._credentials, tls=tls)
        self._stub: Any = PredictStub(self._channel)  # type: ignore[no-untyped-call]  # generated, without annotations
        # Takes the request as bytes, since they are what is signed.
        self._predict: Any = self._channel.unary_unary(
            "/Predict/predict", request_serializer=bytes, response_deserializer=PredictResult.FromString
        )
        self._patience = patience or Patience()

    def read(self, picture: bytes, hints: Hints | None = None) -> Result:
        """Read one picture; as HttpClient.read."""
        return self.read_all([picture], hints)[0]

    def read_all(self, pictures: Sequence[bytes], hints: Hints | None = None) -> list[Result]:
        """Read pictures in one call; as HttpClient.read_all."""
        request = _request(pictures, hints).SerializeToString()
        answer = patiently(lambda seconds: self._attempt(request, seconds), self._patience)
        return _results(answer, len(pictures))

    def stream(self, batches: Iterable[Sequence[bytes]], hints: Hints | None = None) -> Iterator[list[Result]]:
        """Read many pictures over one call: for each batch its results, in order, while later ones are under way.

        A picture or a batch that cannot be read has results that say so. Nothing is tried again. There is no deadline,
        neither for the whole nor for a batch: `close` on another thread ends a stream that takes too long.

        Args:
            batches: asked for on a thread of gRPC's. What it raises is raised here, behind the results of those before.
            hints: which model is wanted.

        Raises:
            RefusedError: the service refused the call.
            UnreachableError: no answer.
        """
        counts: deque[int] = deque()
        broken: list[Exception] = []

        def requests() -> Iterator[PredictRequest]:
            try:
                for batch in batches:
                    counts.append(len(batch))
                    yield _request(batch, hints)
            except Exception as error:  # noqa: BLE001 - gRPC would take it for the service's
                broken.append(error)

        try:
            metadata = self._credentials.metadata(signed_as("predict_stream", b""))
            for answer in self._stub.predict_stream(requests(), metadata=metadata):
                yield _results(answer, counts.popleft())
        except grpc.RpcError as error:
            raise self._explained(error) from error
        if broken:
            raise broken[0]

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _attempt(self, request: bytes, seconds: float) -> PredictResult:
        metadata = self._credentials.metadata(signed_as("predict", request))
        try:
            answer: PredictResult = self._predict(request, timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            explained = self._explained(error)
            if error.code() in _TRY_AGAIN and not _too_large(explained):
                raise AgainError(explained, float(_trailing(error, "retry-after") or 0)) from error
            raise explained from error
        if answer.code and not answer.results:  # an error, as a service with Grpc.LegacyOk sends it
            refused = RefusedError(answer.message, grpc.StatusCode.OK.name, answer.code)
            if answer.code in _TRY_AGAIN_CODES:
                raise AgainError(refused)
            raise refused
        return answer

    def _explained(self, error: grpc.RpcError) -> ClientError:
        code, details = _trailing(error, "captcha-code"), error.details() or ""
        if code is None and _TOO_LARGE in details:  # gRPC itself refused it
            return RefusedError(
                f"the pictures are too large for one call: {details}", error.code().name, _TOO_LARGE_CODE
            )
        if code is None:
            return UnreachableError(f"no answer from {self._address}: {error.code().name}, {details}")
        return RefusedError(details, error.code().name, int(code))


def _trailing(error: grpc.RpcError, key: str) -> str | None:
    return next((str(item.value) for item in error.trailing_metadata() or () if item.key == key), None)


def _too_large(error: ClientError) -> bool:
    return isinstance(error, RefusedError) and error.code == _TOO_LARGE_CODE


def open_channel(address: str, credentials: Credentials, *, tls: bool) -> grpc.Channel:
    """Return a channel with a connection of its own; see `GrpcClient` for the arguments."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        # By itself gRPC waits a second at first and two minutes at last before it connects again, and calls fail at
        # once until then: longer than the pauses of `patiently`.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    if not tls:
        return grpc.insecure_channel(address, options)
    authority = credentials.authority.read_bytes() if credentials.authority else None
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(authority), options)


def _request(pictures: Sequence[bytes], hints: Hints | None) -> PredictRequest:
    hints = hints or Hints()
    return PredictRequest(pictures=pictures, model_site=hints.site, model_type=hints.type, model_name=hints.name)


def _results(answer: PredictResult, count: int) -> list[Result]:
    """One result per picture, also where one answer stands for all of them."""
    return [_result(one) for one in answer.results] or [_result(answer)] * count


def _result(one: PictureResult | PredictResult) -> Result:
    return Result(one.result, one.confidence, one.model, one.version, one.code, one.message)
