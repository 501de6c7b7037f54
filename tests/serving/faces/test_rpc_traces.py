"""A stranger's traceparent begins no trace: only that of a caller who has been let in does."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from flask.testing import FlaskClient

from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.rpc.server import RpcServer
from serving.security.gate import Gate
from serving.security.keys import digest_of
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.security.test_keys import write

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Notes:
    """A tracer, and the one trace that it begins again and again."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended = threading.Semaphore(0)

    def begin(self, _protocol: str, carrier: Mapping[str, str]) -> "Notes":
        self.begun.append({name.lower(): text for name, text in carrier.items()}["traceparent"])
        return self

    def stage(self, *_args: Any) -> None:
        pass

    def end(self, _name: str, _status: str, *, failed: bool) -> None:
        assert not failed
        self.ended.release()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(SecuritySection(Keys=write(tmp_path / "keys.yaml", {"Name": "shop", "SHA256": digest_of("sesame")})))


def test_over_http(client_for: Callable[..., FlaskClient], gate: Gate, picture: Callable[..., bytes]) -> None:
    notes = Notes()
    client = client_for(facilities=Facilities(gate=gate, tracer=notes))
    statuses = []
    for key in ("guess", "sesame"):
        headers = {"X-API-Key": key, "traceparent": PARENT}
        statuses.append((client.post("/captcha/v3", data=picture(), headers=headers).status_code, list(notes.begun)))
    assert statuses == [(401, []), (200, [PARENT])]
    assert notes.ended.acquire(timeout=10)


def test_over_grpc(serve_rpc: Callable[..., RpcServer], gate: Gate, picture: Callable[..., bytes]) -> None:
    notes = Notes()
    with grpc.insecure_channel(f"127.0.0.1:{serve_rpc(gate=gate, tracer=notes).port}") as channel:
        stub = PredictStub(channel)
        request = PredictRequest(pictures=[picture()])
        metadata = [("traceparent", PARENT)]
        with pytest.raises(grpc.RpcError):
            stub.predict(request, metadata=[*metadata, ("authorization", "Bearer guess")])
        with pytest.raises(grpc.RpcError):
            list(stub.predict_stream(iter([request]), metadata=metadata))
        assert notes.begun == []
        stub.predict(request, metadata=[*metadata, ("authorization", "Bearer sesame")])
    assert notes.begun == [PARENT]
    assert notes.ended.acquire(timeout=10)
