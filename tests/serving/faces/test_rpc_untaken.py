"""Clients that take no answer: a call of theirs holds a thread and a place until they do, or until it is ended."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from serving.rpc import silence
from serving.rpc.server import RpcServer
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.rig import eventually

Serve = Callable[..., RpcServer]
REPEATED = "x" * 1900  # by the answers


class Greedy:
    """Asks without end and takes no answer, once gRPC's window of 64 KiB is full."""

    def __init__(self, method: Callable[[Iterator[Any]], Any], question: Any) -> None:
        self.asked = 0
        self.over = threading.Event()
        self._question = question
        self.call = method(self._ask())

    def is_stuck(self) -> bool:
        before = self.asked
        time.sleep(0.3)
        return 0 < before == self.asked

    def _ask(self) -> Iterator[Any]:
        while not self.over.is_set():
            self.asked += 1
            yield self._question


def predicting(channel: grpc.Channel, picture: Callable[..., bytes]) -> Greedy:
    question = PredictRequest(pictures=[picture()], model_name=REPEATED)
    return Greedy(PredictStub(channel).predict_stream, question)


def reflecting(channel: grpc.Channel, _picture: object) -> Greedy:
    question = reflection_pb2.ServerReflectionRequest(file_containing_symbol=REPEATED)
    return Greedy(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo, question)


@pytest.fixture
def opened() -> Iterator[Callable[[RpcServer], grpc.Channel]]:
    channels: list[grpc.Channel] = []

    def to(server: RpcServer) -> grpc.Channel:
        channels.append(grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.http2.bdp_probe", 0)]))
        return channels[-1]

    yield to
    for channel in channels:
        channel.close()


def test_a_stream_whose_answers_nobody_takes_gives_its_place_back(
    serve_rpc: Serve,
    opened: Callable[[RpcServer], grpc.Channel],
    plane: Any,
    picture: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silence.Silence.giving, "__defaults__", (0.3,))
    monkeypatch.setattr(silence, "GRACE_SECONDS", 0.2)
    server = serve_rpc(calls=2)  # one of them may be a stream
    greedy = predicting(opened(server), picture)
    eventually(lambda: bool(plane.calls))
    stub = PredictStub(opened(server))

    def is_answered() -> bool:
        try:  # to its end: a stream that is left would hold the place that the next one wants
            answers = list(stub.predict_stream(iter([PredictRequest(pictures=[picture()])])))
        except grpc.RpcError:
            return False
        return bool(answers[0].result)

    eventually(is_answered)
    assert is_answered()  # and goes on to be
    greedy.over.set()


@pytest.mark.parametrize("begin", [predicting, reflecting])
def test_nobody_who_takes_no_answer_holds_up_the_end(
    begin: Callable[..., Greedy],
    serve_rpc: Serve,
    opened: Callable[[RpcServer], grpc.Channel],
    picture: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silence, "GRACE_SECONDS", 0.2)
    server = serve_rpc()
    greedy = begin(opened(server), picture)
    eventually(greedy.is_stuck)
    with ThreadPoolExecutor() as pool:
        stopping = pool.submit(server.stop, 60.0)
        _, unfinished = futures.wait([stopping], 20)
    assert not unfinished
    greedy.over.set()
