"""Calls that last: none of them needs to be trusted, and none holds up the end of the service."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from serving.face_settings import SecuritySection
from serving.metrics import Metrics
from serving.rpc.server import RpcServer
from serving.rpc.watching import Watching
from serving.security.gate import Gate
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.rig import eventually

Serve = Callable[..., RpcServer]


@pytest.fixture
def opened() -> Iterator[Callable[[RpcServer], grpc.Channel]]:
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}"))


def status_of(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code()


def watch(channel: grpc.Channel, service: str = "digits") -> Any:
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service), timeout=30)


def names(channel: grpc.Channel, held: threading.Event) -> Any:
    def questions() -> Iterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        held.wait(30)

    return reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(questions())


def test_who_may_not_come_learns_nothing(serve_rpc: Serve, opened: Any) -> None:
    channel = opened(serve_rpc(gate=Gate(SecuritySection(Deny=["127.0.0.1"]))))
    check = health_pb2_grpc.HealthStub(channel).Check
    for call in (
        lambda: check(health_pb2.HealthCheckRequest(service="digits")),
        lambda: next(watch(channel)),
        lambda: next(names(channel, threading.Event())),
    ):
        assert status_of(call) == grpc.StatusCode.PERMISSION_DENIED


def test_watchers_leave_nothing_behind(serve_rpc: Serve, opened: Any) -> None:
    server = serve_rpc()
    channel = opened(server)
    watches = [watch(channel, f"unknown {number}") for number in range(10)]
    kept = server._health.servicer._watchers
    assert {next(each).status for each in watches} == {health_pb2.HealthCheckResponse.SERVICE_UNKNOWN}
    eventually(lambda: len(kept) == 10)
    for each in watches:
        each.cancel()
    eventually(lambda: not kept)
    assert status_of(lambda: next(watch(channel, "x" * 1000))) == grpc.StatusCode.INVALID_ARGUMENT


def test_one_address_cannot_have_all_watches(serve_rpc: Serve, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.rpc.watching.SHARE", 2)
    monkeypatch.setattr("serving.rpc.watching.loopback", lambda _: False)
    channel = opened(serve_rpc())
    first, second = watch(channel), watch(channel)
    assert next(first).status == next(second).status == health_pb2.HealthCheckResponse.SERVING
    assert status_of(lambda: next(watch(channel))) == grpc.StatusCode.UNAVAILABLE
    first.cancel()

    def again() -> bool:
        try:
            return bool(next(watch(channel)))
        except grpc.RpcError:
            return False

    eventually(again)


def test_this_machine_may_have_all_watches(serve_rpc: Serve, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.rpc.watching.SHARE", 1)
    monkeypatch.setattr("serving.rpc.watching.WATCHERS", 3)
    channel = opened(serve_rpc())
    kept = [watch(channel) for _ in range(3)]
    assert all(next(each) for each in kept)
    assert status_of(lambda: next(watch(channel))) == grpc.StatusCode.UNAVAILABLE


def test_a_watcher_that_takes_nothing_holds_up_no_other_and_is_ended() -> None:
    ended, told = threading.Event(), list[int]()
    stuck, good = Mock(), Mock()
    for context in (stuck, good):
        context.peer.return_value = "ipv4:127.0.0.1:1"
        context.invocation_metadata.return_value = ()
    stuck.cancel.side_effect = ended.set
    watching = Watching(Gate())
    request = health_pb2.HealthCheckRequest(service="digits")
    began = time.monotonic()
    watching.Watch(request, stuck, lambda _: ended.wait(30))
    watching.Watch(request, good, lambda response: told.append(response.status))
    watching.publish({"digits": health_pb2.HealthCheckResponse.SERVING})
    assert time.monotonic() - began < 10
    assert ended.is_set()
    assert told == [health_pb2.HealthCheckResponse.SERVICE_UNKNOWN, health_pb2.HealthCheckResponse.SERVING]


def test_streams_without_work_do_not_hold_up_the_end(serve_rpc: Serve, opened: Any, picture: Any) -> None:
    server, held = serve_rpc(), threading.Event()
    channel = opened(server)

    def one_and_silence() -> Iterator[PredictRequest]:
        yield PredictRequest(pictures=[picture()])
        held.wait(30)

    stream, watching, asking = (
        PredictStub(channel).predict_stream(one_and_silence()),
        watch(channel),
        names(channel, held),
    )
    assert next(stream).result == "16x6"
    assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
    next(asking)
    began = time.monotonic()
    server.stop(20.0)
    assert time.monotonic() - began < 5
    held.set()
    assert next(watching).status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_a_stream_that_goes_on_is_ended_between_two_messages(
    serve_rpc: Serve, opened: Any, plane: Any, picture: Any
) -> None:
    server = serve_rpc()
    plane.gate = threading.Event()

    def without_end() -> Iterator[PredictRequest]:
        while True:
            yield PredictRequest(pictures=[picture()])

    stream = PredictStub(opened(server)).predict_stream(without_end())
    assert plane.waiting.acquire(timeout=10)
    server.stop_accepting()
    plane.gate.set()
    answers = []
    assert status_of(lambda: answers.extend(iter(stream.__next__, None))) == grpc.StatusCode.UNAVAILABLE
    assert [answer.result for answer in answers] == ["16x6"]


def test_messages_of_a_stream_are_counted_one_by_one(serve_rpc: Serve, opened: Any, picture: Any) -> None:
    metrics = Metrics()
    channel = opened(serve_rpc(meter=metrics))
    requests = [PredictRequest(pictures=[picture()]), PredictRequest(image="?"), PredictRequest(pictures=[picture()])]
    assert len(list(PredictStub(channel).predict_stream(iter(requests)))) == 3
    line = 'cps_requests_total{{protocol="grpc",route="predict_stream",status="{}"}} {}'
    text = metrics.text().decode()
    assert line.format("OK", 2.0) in text
    assert line.format("INVALID_ARGUMENT", 1.0) in text
