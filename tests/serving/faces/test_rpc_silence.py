import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st

from serving.face_settings import SecuritySection
from serving.rpc import silence
from serving.rpc.server import RpcServer
from serving.rpc.silence import surplus
from serving.security.gate import Gate
from serving.security.keys import digest_of
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.rig import eventually
from tests.serving.security.test_keys import write

Draw = Callable[..., bytes]
Serve = Callable[..., RpcServer]
HEALTH = "/grpc.health.v1.Health/Check"


@pytest.fixture
def over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def opened(stack: ExitStack, server: RpcServer) -> grpc.Channel:
    options = [("grpc.use_local_subchannel_pool", 1)]
    return stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}", options))


def silent(channel: grpc.Channel, method: str, over: threading.Event) -> grpc.Future:
    def nothing() -> Iterator[bytes]:
        over.wait(30)
        yield from ()

    return channel.stream_unary(method).future(nothing())


def answers(call: Callable[[], object]) -> bool:
    try:
        call()
    except grpc.RpcError:
        return False
    return True


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 5), st.integers(1, 8))
def test_no_owner_keeps_more_than_its_share_and_nobody_ends_without_need(
    owners: list[str], share: int, most: int
) -> None:
    over = surplus(owners, share, most)
    kept = [owner for index, owner in enumerate(owners) if index not in over]
    assert all(kept.count(owner) <= share for owner in "abc")
    assert len(kept) == min(most, sum(min(share, owners.count(owner)) for owner in "abc"))


def test_the_newest_stay() -> None:
    assert sorted(surplus(["a", "b", "a", "a"], 2, 9)) == [0]
    assert sorted(surplus(["a", "b", "c"], 2, 2)) == [0]


@pytest.mark.parametrize("method", ["/Predict/predict", HEALTH])
def test_calls_that_say_nothing_do_not_stop_the_others(
    method: str, serve_rpc: Serve, picture: Draw, tmp_path: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "GRACE_SECONDS", 0.2)
    keys = write(tmp_path / "keys.yaml", {"Name": "shop", "SHA256": digest_of("secret")})
    server = serve_rpc(calls=32, gate=Gate(SecuritySection(Keys=keys)))
    with ExitStack() as stack:
        crowd = [silent(channel, method, over) for channel in [opened(stack, server)] for _ in range(125)]
        eventually(lambda: sum(call.done() for call in crowd) >= 125 - silence.SHARE, seconds=20)
        channel = opened(stack, server)
        for _ in range(20):
            request = PredictRequest(pictures=[picture()])
            assert PredictStub(channel).predict(request, metadata=[("x-api-key", "secret")]).result == "16x6"
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert sum(not call.done() for call in crowd) == silence.SHARE
        over.set()


def test_a_message_has_only_so_much_time(
    serve_rpc: Serve, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "MESSAGE_SECONDS", 0.3)
    with ExitStack() as stack:
        call = silent(opened(stack, serve_rpc()), "/Predict/predict", over)
        error = call.exception(20)
        assert isinstance(error, grpc.RpcError)
        assert error.code() == grpc.StatusCode.CANCELLED
        over.set()


def test_a_call_without_a_message_is_told_so(serve_rpc: Serve) -> None:
    with ExitStack() as stack:
        channel = opened(stack, serve_rpc())
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary("/Predict/predict")(iter(()))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_stream_that_falls_silent_is_ended(
    serve_rpc: Serve, picture: Draw, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence.Silence.each, "__defaults__", (0.5,))

    def some_and_silence() -> Iterator[PredictRequest]:
        yield PredictRequest(pictures=[picture()])
        over.wait(30)

    with ExitStack() as stack:
        stream = PredictStub(opened(stack, serve_rpc())).predict_stream(some_and_silence())
        assert next(stream).result == "16x6"
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() == grpc.StatusCode.CANCELLED
        over.set()


def test_one_key_gets_half_of_the_streams(
    serve_rpc: Serve, picture: Draw, tmp_path: Path, over: threading.Event
) -> None:
    entries = [{"Name": name, "SHA256": digest_of(name)} for name in ("one", "two")]
    server = serve_rpc(calls=8, gate=Gate(SecuritySection(Keys=write(tmp_path / "keys.yaml", *entries))))

    def some_and_silence() -> Iterator[PredictRequest]:
        yield PredictRequest(pictures=[picture()])
        over.wait(30)

    with ExitStack() as stack:
        stub = PredictStub(opened(stack, server))

        def stream(key: str) -> Any:
            return stub.predict_stream(some_and_silence(), metadata=[("x-api-key", key)])

        streams = [stream("one") for _ in range(2)]
        assert [next(each).result for each in streams] == ["16x6"] * 2
        with pytest.raises(grpc.RpcError, match="too many streams"):
            next(stream("one"))
        assert next(stream("two")).result == "16x6"
        over.set()


def test_reflection_has_few_places(serve_rpc: Serve, over: threading.Event) -> None:
    def asked() -> Iterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        over.wait(30)

    with ExitStack() as stack:
        channel = opened(stack, serve_rpc())
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        streams = [stub.ServerReflectionInfo(asked()) for _ in range(100)]
        assert sum(answers(lambda each=each: next(each)) for each in streams) == 4
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        over.set()


def test_connections_are_counted(serve_rpc: Serve) -> None:
    server = serve_rpc(connections=3)
    request = health_pb2.HealthCheckRequest()
    with ExitStack() as stack:
        stubs = [health_pb2_grpc.HealthStub(opened(stack, server)) for _ in range(4)]
        assert [answers(lambda stub=stub: stub.Check(request, timeout=5)) for stub in stubs] == [True] * 3 + [False]
    until = time.monotonic() + 20
    with ExitStack() as stack:
        while not answers(lambda: health_pb2_grpc.HealthStub(opened(stack, server)).Check(request, timeout=5)):
            assert time.monotonic() < until
