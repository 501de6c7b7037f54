import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import grpc
import pytest

from serving.answer import Hints
from serving.client import GrpcClient, HttpClient, Patience, RefusedError, Result, UnreachableError
from serving.client.attempts import AgainError, patiently
from serving.client.credentials import Credentials
from serving.errors import OverloadedError, UnknownModelError
from serving.face_settings import SecuritySection
from serving.load.senders import HttpSender
from serving.pictures import RequestLimits
from serving.rpc.server import RpcServer
from serving.rpc.silence import Silence
from serving.security.gate import Gate
from serving.security.quota import QuotaRule

Draw = Callable[..., bytes]
QUICK = Patience(seconds=5.0, retries=1)


@pytest.fixture(params=["http", "grpc"])
def client(request: pytest.FixtureRequest, serve_http: Any, serve_rpc: Any) -> Iterator[HttpClient | GrpcClient]:
    if request.param == "http":
        over_http = HttpClient(f"http://127.0.0.1:{serve_http().ports[0]}/", QUICK)
        with over_http:
            yield over_http
    else:
        with GrpcClient(f"127.0.0.1:{serve_rpc().port}", QUICK) as over_grpc:
            yield over_grpc


def test_a_picture(client: HttpClient | GrpcClient, plane: Any, picture: Draw) -> None:
    hints = Hints(site="shop", type="number", name="digits")
    assert client.read(picture(), hints) == Result("16x6", 0.75, "digits", "1.2")
    assert client.read(picture(8, 4)).text == "8x4"
    assert [call[1] for call in plane.calls] == [hints, Hints()]


def test_pictures_of_which_one_is_none(client: HttpClient | GrpcClient, picture: Draw) -> None:
    good, bad, other = client.read_all([picture(8, 4), b"nothing", picture(9, 5)])
    assert (good.text, good.code, other.text) == ("8x4", 0, "9x5")
    assert (bad.text, bad.code) == ("", 500001)
    assert "Invalid Image Format" in bad.message


def test_a_refusal_says_why(client: HttpClient | GrpcClient, plane: Any, picture: Draw) -> None:
    plane.failure = UnknownModelError("there is no model 'x'")
    with pytest.raises(RefusedError, match="there is no model 'x'") as caught:
        client.read(picture(), Hints(name="x"))
    assert (caught.value.status, caught.value.code) in {(404, 999), ("NOT_FOUND", 999)}
    assert len(plane.calls) == 1


def test_an_overload_is_waited_for(client: HttpClient | GrpcClient, plane: Any, picture: Draw) -> None:
    plane.failure = OverloadedError("full")
    plane.failures = 1
    assert client.read(picture()).text == "16x6"
    assert len(plane.calls) == 2


def test_a_lasting_overload_is_told(client: HttpClient | GrpcClient, plane: Any, picture: Draw) -> None:
    plane.failure = OverloadedError("full")
    with pytest.raises(RefusedError, match="full"):
        client.read(picture())
    assert len(plane.calls) == 1 + QUICK.retries


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    patience = Patience(seconds=2.0, retries=1)
    with HttpClient(f"http://127.0.0.1:{port}", patience) as client:
        assert not client.ready()
        with pytest.raises(UnreachableError, match=str(port)):
            client.read(b"")
    with GrpcClient(f"127.0.0.1:{port}", patience) as grpc_client, pytest.raises(UnreachableError, match=str(port)):
        grpc_client.read(b"")


def test_a_connection_that_the_server_closed_is_made_anew(serve_http: Any, plane: Any, picture: Draw) -> None:
    server = serve_http()
    with HttpClient(f"http://127.0.0.1:{server.ports[0]}", QUICK) as client:
        client.read(picture())
        server.stop(5.0)
        again = type(server)(plane, "127.0.0.1", server.ports)
        again.start()
        assert client.read(picture()).text == "16x6"
        again.stop(5.0)


def test_a_service_that_is_back_at_once_is_found_again_over_grpc(
    plane: Any, picture: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, high: high)  # pauses of 0.1, 0.2 and 0.4 s
    first = RpcServer(plane, "127.0.0.1", 0)
    first.start()
    second = RpcServer(plane, "127.0.0.1", first.port)
    with GrpcClient(f"127.0.0.1:{first.port}") as client, ExitStack() as stack:
        assert client.read(picture()).text == "16x6"
        first.stop(5.0)
        start = threading.Timer(0.1, second.start)
        start.start()
        stack.callback(second.stop, 5.0)
        stack.callback(start.join)
        assert client.read(picture()).text == "16x6"


def test_another_service_is_recognised_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            with closing(other.accept()[0]) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        threading.Thread(target=answer).start()
        client = HttpClient(f"http://127.0.0.1:{other.getsockname()[1]}", QUICK)
        with client, pytest.raises(RefusedError, match="is it this service"):
            client.models()


@pytest.mark.parametrize("url", ["127.0.0.1:19951", "ftp://127.0.0.1", "http://"])
def test_a_url_is_checked(url: str) -> None:
    with pytest.raises(ValueError, match="no URL of a service"):
        HttpClient(url)


def test_models_and_readiness(serve_http: Any, plane: Any) -> None:
    with HttpClient(f"http://127.0.0.1:{serve_http().ports[0]}", QUICK) as client:
        assert client.models() == plane.statuses
        assert client.ready()
        plane.is_ready = False
        assert not client.ready()


def test_a_connection_that_was_long_quiet_is_made_anew(
    serve_http: Any, plane: Any, picture: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve_http()
    url = f"http://127.0.0.1:{server.ports[0]}"
    sender = HttpSender(url, 5.0, Credentials())
    with HttpClient(url, QUICK) as client:
        assert client.ready()
        assert sender.send(picture()).text == "16x6"
        server.stop(5.0)
        again = type(server)(plane, "127.0.0.1", server.ports)
        again.start()
        monkeypatch.setattr("serving.client.exchange.STALE_SECONDS", -1.0)
        assert client.ready()
        assert not sender.send(picture()).error
        again.stop(5.0)
    sender.close()


@pytest.fixture
def grpc_client(serve_rpc: Any) -> Iterator[Callable[..., GrpcClient]]:
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(
            GrpcClient(f"127.0.0.1:{serve_rpc(*args, **options).port}", QUICK)
        )


def test_an_error_with_status_ok_is_a_refusal(
    grpc_client: Callable[..., GrpcClient], plane: Any, picture: Draw
) -> None:
    client = grpc_client(legacy_ok=True)
    with pytest.raises(RefusedError, match="there is no model 'x'") as caught:
        client.read(picture(), Hints(name="x"))
    assert (caught.value.status, caught.value.code) == ("OK", 999)
    plane.failure = OverloadedError("full")
    plane.failures = 1
    assert client.read(picture()).text == "16x6"


def test_a_quota_is_waited_for_over_grpc(grpc_client: Callable[..., GrpcClient], picture: Draw) -> None:
    gate = Gate(SecuritySection(AddressQuota=QuotaRule(PerSecond=20, Burst=1)))
    client = grpc_client(gate=gate)
    assert [client.read(picture()).text for _ in range(2)] == ["16x6"] * 2
    over = GrpcClient(client._address, Patience(seconds=0.5, retries=3))
    with over, pytest.raises(RefusedError, match="again in") as caught:
        over.read(picture())  # the service says: in a second
    assert (caught.value.status, caught.value.code) == ("RESOURCE_EXHAUSTED", 429)


def test_a_call_that_the_service_ends_is_tried_again(
    grpc_client: Callable[..., GrpcClient], picture: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = grpc_client()
    ended: list[grpc.ServicerContext] = []

    def first(_silence: Silence, messages: Iterator[bytes], context: Any) -> bytes:
        if not ended:
            ended.append(context)
            context.cancel()
        return next(messages)

    monkeypatch.setattr(Silence, "first", first)
    assert client.read(picture()).text == "16x6"
    assert ended


def test_what_is_too_large_for_grpc_is_refused_once(grpc_client: Callable[..., GrpcClient]) -> None:
    client = grpc_client(RequestLimits(max_body_bytes=1000))
    with pytest.raises(RefusedError, match="too large") as caught:
        client.read(b"x" * 200_000)
    assert caught.value.code == 413


def test_a_stream_has_a_result_per_picture(serve_rpc: Any, picture: Draw) -> None:
    with GrpcClient(f"127.0.0.1:{serve_rpc().port}", QUICK) as client:
        batches = [[picture(8, 4)], [b"x", b"y"], [picture(9, 5), b"z", picture(7, 3)]]
        results = list(client.stream(batches))
    assert [[one.text for one in batch] for batch in results] == [["8x4"], ["", ""], ["9x5", "", "7x3"]]
    assert [one.code for one in results[1]] == [500001, 500001]


def test_what_the_batches_of_a_stream_raise_is_raised_behind_the_results_before(
    grpc_client: Callable[..., GrpcClient], picture: Draw
) -> None:
    def batches() -> Iterator[list[bytes]]:
        yield [picture(8, 4)]
        raise LookupError("no more files")

    results = []
    with pytest.raises(LookupError, match="no more files"):
        results.extend(one.text for one in grpc_client().stream(batches()) for one in one)
    assert results == ["8x4"]


def test_attempts_end_with_time_or_number() -> None:
    made = []

    def attempt(seconds: float) -> None:
        made.append(seconds)
        raise AgainError(UnreachableError("no"), after=100.0 if len(made) == 2 else 0.0)

    with pytest.raises(UnreachableError):
        patiently(attempt, Patience(seconds=50.0, retries=9))
    assert len(made) == 2
    assert 0 < made[1] < made[0] <= 50.0
