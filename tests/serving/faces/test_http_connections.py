"""No client holds up others by the connections that it keeps."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import requests

from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.http.loop import Sockets
from serving.security.gate import Gate
from tests.serving.faces.plain_http import Serve, connected, post, raw
from tests.serving.rig import eventually


@pytest.mark.parametrize(
    ("bound", "sent"),
    [
        ("HEADER_SECONDS", b"POST /captcha/v1 HTTP/1.1\r\n"),
        ("RECEIVE_SECONDS", b"POST /captcha/v1 HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"),
    ],
)
def test_a_client_that_drips_its_request_is_cut_off(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch, bound: str, sent: bytes
) -> None:
    monkeypatch.setattr(f"serving.http.connections.{bound}", 0.2)
    monkeypatch.setattr("serving.http.server._CLEANUP_SECONDS", 0)
    with connected(serve_http()) as slow:
        slow.sock.sendall(sent)
        assert slow.sock.recv(1) == b""


BROKEN = [
    b"GARBAGE\r\n\r\n",
    b"get / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    b"GET http://a\xe2\x84\x80b/ HTTP/1.1\r\n\r\n",
    b"GET http://[foo HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
]


def test_broken_requests_are_told_so_and_keep_no_connection(
    serve_http: Serve, picture: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve_http(connections=10)
    for request in BROKEN * 4:
        status, told = raw(server, request)
        assert status == 400
        assert told["message"]
    assert post(server, picture()).status_code == 200
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


def test_an_answer_that_cannot_be_made_keeps_no_connection(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., bytes]
) -> None:
    server = serve_http(connections=10)
    with monkeypatch.context() as patched:
        patched.setattr("serving.http.exchange.JsonErrorTask.execute", lambda _: 1 / 0)
        for _ in range(24):
            with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10) as plain:
                plain.sendall(BROKEN[0])
                while plain.recv(1000):
                    pass
    assert post(server, picture()).status_code == 200


def test_idle_and_dripping_connections_keep_nobody_out(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., bytes]
) -> None:
    monkeypatch.setattr("serving.http.connections.PATIENCE_SECONDS", 0.2)
    server = serve_http(connections=20)
    with ExitStack() as crowd:
        for number in range(60):
            plain = crowd.enter_context(socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10))
            if number % 2:
                plain.sendall(b"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nContent-Le")
        assert [post(server, picture()).status_code for _ in range(3)] == [200] * 3


def test_a_connection_at_work_is_not_closed_to_make_room(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes]
) -> None:
    server = serve_http(connections=10)
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool, ExitStack() as crowd:
        working = pool.submit(post, server, picture())
        assert plane.waiting.acquire(timeout=10)
        for _ in range(30):
            crowd.enter_context(socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10))
        assert requests.get(f"http://127.0.0.1:{server.ports[0]}/v2/health/live", timeout=10).status_code == 200
        plane.gate.set()
        assert working.result(10).status_code == 200


def test_one_address_cannot_hold_all_connections(serve_http: Serve, plane: Any, picture: Callable[..., bytes]) -> None:
    server = serve_http(connections_per_address=3)
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool:
        working = [pool.submit(post, server, picture()) for _ in range(3)]
        for _ in working:
            assert plane.waiting.acquire(timeout=10)
        with connected(server) as fourth:
            assert fourth.sock.recv(1) == b""
        plane.gate.set()
        assert [future.result(10).status_code for future in working] == [200] * 3


def test_an_address_that_holds_too_many_loses_an_idle_one(serve_http: Serve, picture: Callable[..., bytes]) -> None:
    server = serve_http(connections_per_address=3)
    with ExitStack() as idle:
        quiet = [idle.enter_context(connected(server)) for _ in range(3)]
        time.sleep(0.2)  # QUIET_SECONDS of the tests, and some
        assert post(server, picture()).status_code == 200
        assert quiet[0].sock.recv(1) == b""


def test_a_trusted_proxy_may_hold_any_number(serve_http: Serve, picture: Callable[..., bytes]) -> None:
    proxy = Facilities(gate=Gate(SecuritySection(TrustedProxies=["127.0.0.1"])))
    server = serve_http(connections_per_address=3, facilities=proxy)
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(connected(server))
        assert post(server, picture()).status_code == 200


def test_an_answer_that_is_not_fetched_holds_up_nobody(serve_http: Serve, picture: Callable[..., bytes]) -> None:
    server = serve_http(threads=2)
    with ExitStack() as stack:
        for _ in range(4):
            greedy = stack.enter_context(connected(server))
            greedy.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.sock.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(2000):
                    greedy.sock.send(b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        assert post(server, picture()).status_code == 200


def test_a_client_that_asks_and_fetches_nothing_loses_its_connection(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.http.server._UNSENT_BYTES", 100_000)
    server = serve_http()
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(4):  # more than threads that answer them
            stack.enter_context(connected(server)).sock.sendall(asked * 1000)
        assert raw(server, b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n") == (200, {"live": True})
        eventually(lambda: not any(listener.active_channels for listener in server._listeners), seconds=30)


def test_answers_that_nobody_fetches_are_thrown_away_in_time(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.http.server._CLEANUP_SECONDS", 0)
    monkeypatch.setattr("serving.http.server._IDLE_SECONDS", 1)
    monkeypatch.setattr("serving.http.server._UNSENT_BYTES", 1 << 30)
    server = serve_http()
    with connected(server) as greedy:
        greedy.sock.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)  # more than the kernel takes
        eventually(lambda: not any(listener.active_channels for listener in server._listeners), seconds=30)
    assert raw(server, b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n") == (200, {"live": True})


def test_a_client_that_leaves_before_it_is_told_to_go_on_is_dropped_by_the_loop(
    serve_http: Serve, plane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    droppers = []

    class Watched(Sockets):
        def __delitem__(self, number: int) -> None:
            droppers.append(threading.current_thread().name)
            super().__delitem__(number)

    monkeypatch.setattr("serving.http.server.Sockets", Watched)
    server = serve_http()
    for _ in range(5):
        plane.gate = threading.Event()
        with connected(server) as client:
            client.sock.sendall(
                b"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
                b"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            )
            assert plane.waiting.acquire(timeout=10)
        plane.gate.set()
    deadline = time.monotonic() + 10
    while len(droppers) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert droppers == ["http"] * 5


def test_a_defect_in_one_turn_of_the_loop_ends_no_other_connection(
    serve_http: Serve, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve_http()
    whole, left = Sockets.turn, [1]

    def turn(sockets: Sockets, seconds: float) -> None:
        if left:
            raise ZeroDivisionError(left.pop())
        whole(sockets, seconds)

    monkeypatch.setattr(Sockets, "turn", turn)
    assert [post(server, picture()).status_code for _ in range(2)] == [200, 200]
    assert not left
    assert "could not be looked after" in caplog.text
