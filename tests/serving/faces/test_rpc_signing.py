import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.client import Credentials, GrpcClient, RefusedError
from serving.face_settings import SecuritySection
from serving.rpc.server import RpcServer
from serving.security.gate import Gate
from serving.security.signing import Signable, authorization, signed_as
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.security.test_keys import write

Draw = Callable[..., bytes]
SECRET = "correct horse battery staple"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return write(tmp_path / "keys.yaml", {"Name": "shop", "Secret": SECRET})


@pytest.fixture
def server(serve_rpc: Callable[..., RpcServer], keys: Path) -> RpcServer:
    return serve_rpc(gate=Gate(SecuritySection(Keys=keys)))


@pytest.fixture
def stub(server: RpcServer) -> Iterator[PredictStub]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield PredictStub(channel)


def signed(request: Signable, secret: str = SECRET, ago: float = 0.0) -> list[tuple[str, str]]:
    return [("authorization", authorization("shop", secret, request, time.time() - ago))]


@contextmanager
def refused(said: str) -> Iterator[None]:
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert said in caught.value.details()


def test_our_client_signs_each_call(server: RpcServer, picture: Draw) -> None:
    with GrpcClient(f"127.0.0.1:{server.port}", credentials=Credentials(signer="shop", secret=SECRET)) as client:
        assert [client.read(picture(width, 4)).text for width in (8, 9)] == ["8x4", "9x4"]
        batches = [[picture(8, 4)], [picture(9, 4), picture(10, 4)]]
        assert [[one.text for one in batch] for batch in client.stream(batches)] == [["8x4"], ["9x4", "10x4"]]
    with (
        GrpcClient(f"127.0.0.1:{server.port}", credentials=Credentials(signer="shop", secret="wrong")) as client,
        pytest.raises(RefusedError, match="signature is wrong"),
    ):
        client.read(picture())


def test_a_signed_call_is_taken_once(stub: PredictStub, picture: Draw) -> None:
    request = PredictRequest(pictures=[picture()])
    metadata = signed(signed_as("predict", request.SerializeToString()))
    assert stub.predict(request, metadata=metadata).result == "16x6"
    with refused("has been made before"):
        stub.predict(request, metadata=metadata)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: signed_as("predict", content + b" "), "signature is wrong"),
        (lambda content: signed_as("predict_stream", content), "signature is wrong"),
        (lambda content: Signable("POST", "/captcha/v1", "", content), "signature is wrong"),
    ],
)
def test_another_call_needs_another_signature(
    stub: PredictStub, plane: Any, picture: Draw, change: Callable[[bytes], Signable], said: str
) -> None:
    request = PredictRequest(pictures=[picture()])
    with refused(said):
        stub.predict(request, metadata=signed(change(request.SerializeToString())))
    assert plane.calls == []


def test_an_old_signature(stub: PredictStub, plane: Any, picture: Draw) -> None:
    request = PredictRequest(pictures=[picture()])
    with refused("set the clock"):
        stub.predict(request, metadata=signed(signed_as("predict", request.SerializeToString()), ago=400))
    assert plane.calls == []


def test_a_stream_ends_with_its_key(stub: PredictStub, keys: Path, picture: Draw) -> None:
    answered = threading.Event()

    def requests() -> Iterator[PredictRequest]:
        yield PredictRequest(pictures=[picture()])
        assert answered.wait(10)  # else the key could be gone before the first message is looked at
        write(keys, {"Name": "another", "Secret": SECRET})
        yield PredictRequest(pictures=[picture()])

    answers = stub.predict_stream(requests(), metadata=signed(signed_as("predict_stream", b"")))
    first = next(answers)
    answered.set()
    assert [answer.code for answer in (first, *answers)] == [0, 401]


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x01\xff", bytes(100)])
def test_bytes_that_are_no_message(serve_rpc: Callable[..., RpcServer], content: bytes) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{serve_rpc().port}") as channel:
        call = channel.unary_unary("/Predict/predict", request_serializer=bytes)
        with pytest.raises(grpc.RpcError) as caught:
            call(content, timeout=10)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
