"""A server of gRPC that stops finishes what it took, and sends the rest elsewhere."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.faces.plain_http import encoded
from tests.serving.faces.test_rpc import Draw, Serve, refusal


def test_stopping_finishes_what_was_accepted(serve_rpc: Serve, plane: Any, picture: Draw) -> None:
    server = serve_rpc()
    plane.gate = threading.Event()
    request = PredictRequest(image=encoded(picture()))
    with (
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as late,
        ThreadPoolExecutor() as pool,
    ):
        running = pool.submit(PredictStub(channel).predict, request)
        assert plane.waiting.acquire(timeout=10)
        server.stop_accepting()
        assert refusal(lambda: PredictStub(late).predict(request))[0] == grpc.StatusCode.UNAVAILABLE
        stopped = pool.submit(server.stop, 10.0)
        assert not stopped.done()
        plane.gate.set()
        assert running.result(10).result == "16x6"
        stopped.result(10)


def test_clients_who_ask_while_it_stops_may_try_elsewhere(serve_rpc: Serve, picture: Draw) -> None:
    server = serve_rpc()
    request = PredictRequest(image=encoded(picture()))
    asked = threading.Semaphore(0)

    def ask_until_refused() -> grpc.StatusCode:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", options) as channel:
            while True:
                try:
                    PredictStub(channel).predict(request, timeout=20)
                    asked.release()
                except grpc.RpcError as error:
                    return error.code()

    with ThreadPoolExecutor(16) as pool:
        crowd = [pool.submit(ask_until_refused) for _ in range(16)]
        for _ in range(100):
            assert asked.acquire(timeout=20)
        server.stop_accepting()
        server.stop(10.0)
        assert {each.result(20) for each in crowd} == {grpc.StatusCode.UNAVAILABLE}


def test_stopping_waits_no_longer_than_it_may(serve_rpc: Serve, plane: Any, picture: Draw) -> None:
    server = serve_rpc()
    plane.gate = threading.Event()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, ThreadPoolExecutor() as pool:
        running = pool.submit(PredictStub(channel).predict, PredictRequest(image=encoded(picture())))
        assert plane.waiting.acquire(timeout=10)
        server.stop(0.1)
        with pytest.raises(grpc.RpcError):
            running.result(10)
        plane.gate.set()
