import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from serving.answer import Hints
from serving.errors import (
    DeadlineError,
    ListenError,
    NotReadyError,
    OverloadedError,
    PortBusyError,
    ServingError,
    TooLargeError,
    UnknownModelError,
    UnreadablePictureError,
)
from serving.face_settings import SecuritySection
from serving.pictures import RequestLimits
from serving.rpc.callers import address_of
from serving.rpc.server import RpcServer
from serving.security.gate import Gate
from serving.security.quota import QuotaRule
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.faces.plain_http import encoded

Draw = Callable[..., bytes]
Connect = Callable[..., grpc.Channel]
Serve = Callable[..., RpcServer]


@pytest.fixture
def connect(serve_rpc: Serve) -> Iterator[Connect]:
    channels = []

    def to_server(*args: Any, **options: Any) -> grpc.Channel:
        channels.append(grpc.insecure_channel(f"127.0.0.1:{serve_rpc(*args, **options).port}"))
        return channels[-1]

    yield to_server
    for channel in channels:
        channel.close()


@pytest.fixture
def stub(connect: Connect) -> PredictStub:
    return PredictStub(connect())


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    metadata = dict(caught.value.trailing_metadata())
    return caught.value.code(), metadata.get("captcha-code", ""), caught.value.details()


def test_a_picture_is_answered(stub: PredictStub, plane: Any, picture: Draw) -> None:
    request = PredictRequest(image=encoded(picture()), model_site="shop", model_type="number", model_name="digits")
    result = stub.predict(request)
    assert (result.result, result.code, result.success) == ("16x6", 0, True)
    assert (result.model, result.version, result.confidence) == ("digits", "1.2", 0.75)
    assert not result.results
    assert plane.calls[0][1] == Hints(site="shop", type="number", name="digits")


def test_several_pictures_as_bytes(stub: PredictStub, picture: Draw) -> None:
    request = PredictRequest(pictures=[picture(8, 4), b"nothing", picture(9, 5)], split_char="|")
    result = stub.predict(request)
    assert (result.result, result.code, result.success) == ("8x4||9x5", 500001, False)
    assert result.message.startswith("Invalid Image Format: ")
    assert [(one.result, one.code) for one in result.results] == [("8x4", 0), ("", 500001), ("9x5", 0)]


def test_pictures_joined_as_captcha_platform_did(stub: PredictStub, picture: Draw) -> None:
    joined = bytes.fromhex("00FFFFFF00").join([picture(8, 4), picture(9, 5)])
    assert stub.predict(PredictRequest(image=encoded(joined), split_char=",")).result == "8x4,9x5"


@pytest.mark.parametrize(
    ("request_fields", "code", "said"),
    [
        ({}, "500001", "the picture is empty"),
        ({"image": "?"}, "500002", "Invalid Base64 String"),
        ({"image": "QUJD"}, "500001", "Invalid Image Format"),
        ({"image": "QUJD", "pictures": [b"x"]}, "400", "not both"),
        ({"pictures": [b"x"] * 65}, "413", "more than 64 pictures"),
        ({"image": "QUJD", "need_color": "red"}, "400", "need_color"),
    ],
)
def test_a_bad_request(stub: PredictStub, request_fields: dict[str, Any], code: str, said: str) -> None:
    status, answered_code, details = refusal(lambda: stub.predict(PredictRequest(**request_fields)))
    assert (status, answered_code) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    assert said in details


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (UnreadablePictureError("no"), grpc.StatusCode.INVALID_ARGUMENT, "500001"),
        (TooLargeError("big"), grpc.StatusCode.INVALID_ARGUMENT, "413"),
        (UnknownModelError("what"), grpc.StatusCode.NOT_FOUND, "500004"),
        (NotReadyError("nothing"), grpc.StatusCode.UNAVAILABLE, "-999"),
        (OverloadedError("full"), grpc.StatusCode.UNAVAILABLE, "503"),
        (DeadlineError("late"), grpc.StatusCode.DEADLINE_EXCEEDED, "504"),
        (ServingError("of a kind to come"), grpc.StatusCode.INTERNAL, "500"),
        (RuntimeError("secret"), grpc.StatusCode.INTERNAL, "500"),
    ],
)
def test_what_the_data_plane_refuses(
    stub: PredictStub, plane: Any, picture: Draw, failure: Exception, status: grpc.StatusCode, code: str
) -> None:
    plane.failure = failure
    answered_status, answered_code, details = refusal(lambda: stub.predict(PredictRequest(image=encoded(picture()))))
    assert (answered_status, answered_code) == (status, code)
    assert (str(failure) in details) == (str(failure) != "secret")


def test_old_clients_get_their_code_in_a_message(connect: Connect) -> None:
    result = PredictStub(connect(legacy_ok=True)).predict(PredictRequest(image="?"))
    assert (result.result, result.code, result.success) == ("", 500002, False)


def test_the_deadline_of_the_client_reaches_the_data_plane(stub: PredictStub, plane: Any, picture: Draw) -> None:
    before = time.monotonic()
    stub.predict(PredictRequest(image=encoded(picture())), timeout=7)
    stub.predict(PredictRequest(image=encoded(picture())), timeout=1000)
    stub.predict(PredictRequest(image=encoded(picture())))
    after = time.monotonic()
    short, long, unsaid = (deadline for _, _, deadline in plane.calls)
    assert before < short < after + 8  # gRPC rounds what it sends
    assert before + 30 <= long <= after + 30
    assert before + 30 <= unsaid <= after + 30


def test_a_stream_is_answered_in_order_and_survives_a_bad_picture(stub: PredictStub, picture: Draw) -> None:
    requests = [
        PredictRequest(image=encoded(picture(8, 4))),
        PredictRequest(image="?"),
        PredictRequest(pictures=[picture(9, 5)], model_name="other"),
        PredictRequest(pictures=[picture(7, 3), picture(6, 2)]),
    ]
    results = list(stub.predict_stream(iter(requests)))
    assert [result.result for result in results] == ["8x4", "", "", "7x36x2"]
    assert [result.code for result in results] == [0, 500002, 999, 0]
    assert "other" in results[2].message
    assert len(results[3].results) == 2


def test_a_stream_that_is_left_frees_its_place(connect: Connect, picture: Draw) -> None:
    stub = PredictStub(connect(calls=1))
    never_more = threading.Event()

    def one_request_and_silence() -> Iterator[PredictRequest]:
        yield PredictRequest(image=encoded(picture()))
        never_more.wait(10)

    stream = stub.predict_stream(one_request_and_silence())
    assert next(stream).result == "16x6"
    request = PredictRequest(image=encoded(picture()))
    assert refusal(lambda: stub.predict(request))[0] == grpc.StatusCode.UNAVAILABLE
    stream.cancel()
    never_more.set()
    deadline = time.monotonic() + 10
    while refused(stub, request):
        assert time.monotonic() < deadline, "the place was not given back"
        time.sleep(0.01)


def test_streams_that_say_nothing_leave_places_to_calls_and_to_other_addresses(connect: Connect, picture: Draw) -> None:
    stub = PredictStub(connect(calls=8))
    over = threading.Event()
    request = PredictRequest(image=encoded(picture()))

    def one_request_and_silence() -> Iterator[PredictRequest]:
        yield request
        over.wait(10)

    streams = [stub.predict_stream(one_request_and_silence()) for _ in range(2)]
    assert [next(stream).result for stream in streams] == ["16x6"] * 2
    third = stub.predict_stream(one_request_and_silence())
    assert refusal(lambda: next(third))[0] == grpc.StatusCode.UNAVAILABLE
    assert stub.predict(request).result == "16x6"
    over.set()
    assert [list(stream) for stream in streams] == [[], []]


def refused(stub: PredictStub, request: PredictRequest) -> bool:
    try:
        stub.predict(request)
    except grpc.RpcError as error:
        return error.code() == grpc.StatusCode.UNAVAILABLE
    return False


def test_a_defect_in_a_stream_is_not_shown(stub: PredictStub, plane: Any, picture: Draw) -> None:
    plane.failure = RuntimeError("secret")
    requests = iter([PredictRequest(image=encoded(picture()))])
    status, code, details = refusal(lambda: list(stub.predict_stream(requests)))
    assert (status, code) == (grpc.StatusCode.INTERNAL, "500")
    assert "secret" not in details


def test_more_than_can_be_worked_on_is_refused_at_once_and_health_goes_on(
    connect: Connect, plane: Any, picture: Draw
) -> None:
    channel = connect(calls=2)
    stub = PredictStub(channel)
    request = PredictRequest(image=encoded(picture()))
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool:
        accepted = [pool.submit(stub.predict, request) for _ in range(2)]
        for _ in accepted:
            assert plane.waiting.acquire(timeout=10)
        status, code, _ = refusal(lambda: stub.predict(request))
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="digits"))
        plane.gate.set()
        assert all(future.result().success for future in accepted)
    assert (status, code) == (grpc.StatusCode.UNAVAILABLE, "503")
    assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_a_message_over_the_limit_is_not_taken(connect: Connect, plane: Any) -> None:
    stub = PredictStub(connect(RequestLimits(max_body_bytes=1000)))
    with pytest.raises(grpc.RpcError) as caught:
        stub.predict(PredictRequest(image="A" * 100_000))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert plane.calls == []


def test_reflection_names_the_services(connect: Connect) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(connect())
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (response,) = stub.ServerReflectionInfo(iter([request]))
    names = {service.name for service in response.list_services_response.service}
    assert {"Predict", "grpc.health.v1.Health"} <= names


def test_a_busy_port_is_named(plane: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"port {port} on 127.0.0.1 is in use"):
            RpcServer(plane, "127.0.0.1", port).start()


def test_two_servers_do_not_share_a_port(plane: Any, serve_rpc: Serve) -> None:
    port = serve_rpc().port
    with pytest.raises(PortBusyError):
        RpcServer(plane, "127.0.0.1", port).start()


def test_an_address_of_another_machine(plane: Any) -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"):
        RpcServer(plane, "192.0.2.1", 0).start()


def test_a_quota_counts_the_messages_of_a_stream(connect: Callable[..., Any], picture: Callable[..., bytes]) -> None:
    gate = Gate(SecuritySection(AddressQuota=QuotaRule(PerSecond=0.01, Burst=3)))
    stub = PredictStub(connect(gate=gate))
    answers = list(stub.predict_stream(iter([PredictRequest(pictures=[picture()])] * 4)))
    assert [answer.code for answer in answers] == [0, 0, 429, 429]
    with pytest.raises(grpc.RpcError) as caught:
        stub.predict(PredictRequest(pictures=[picture()]))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:1.2.3.4:56", "1.2.3.4"), ("ipv6:%5B::1%5D:56", "::1"), ("ipv6:[::1]:56", "::1"), ("unix:/tmp/x", "")],
)
def test_address_of_a_peer(peer: str, address: str) -> None:
    assert address_of(peer) == address
