"""What was accepted is answered before the server ends."""

import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from serving.http.server import HttpServer
from tests.serving.faces.plain_http import Serve, connected, post


def test_stopping_finishes_what_was_accepted(serve_http: Serve, plane: Any, picture: Callable[..., bytes]) -> None:
    server = serve_http()
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool, connected(server) as kept:
        running = pool.submit(post, server, picture())
        assert plane.waiting.acquire(timeout=10)
        server.stop_accepting()
        with pytest.raises(OSError, match=r"."), socket.create_connection(("127.0.0.1", server.ports[0]), timeout=1):
            pass
        kept.request("GET", "/v2/health/ready")
        response = kept.getresponse()
        assert (response.status, response.getheader("Connection")) == (200, "close")
        stopped = pool.submit(server.stop, 10.0)
        assert not stopped.done()
        plane.gate.set()
        assert running.result().json()["message"] == "16x6"
        stopped.result(10)


def test_a_request_in_the_backlog_is_answered_before_the_port_closes(
    serve_http: Serve, picture: Callable[..., bytes]
) -> None:
    server = serve_http()
    content = picture()
    requests_sent = []
    for _ in range(20):
        plain = socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10)
        plain.sendall(b"POST /captcha/v3 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
        requests_sent.append(plain)
    server.stop(10.0)
    for plain in requests_sent:
        with plain:
            response = http.client.HTTPResponse(plain)
            response.begin()
            assert json.loads(response.read())["message"] == "16x6"


def test_stopping_waits_no_longer_than_it_may(serve_http: Serve, plane: Any, picture: Callable[..., bytes]) -> None:
    server = serve_http()
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(post, server, picture())
        assert plane.waiting.acquire(timeout=10)
        server.stop(0.1)
        with pytest.raises(requests.ConnectionError):
            running.result(10)
        plane.gate.set()


def test_a_request_on_a_connection_just_used_is_answered_while_stopping(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.http.connections.QUIET_SECONDS", 10.0)
    server = serve_http()
    with ThreadPoolExecutor() as pool, connected(server) as kept:
        kept.request("GET", "/v2/health/live")
        kept.getresponse().read()
        stopped = pool.submit(server.stop, 60.0)
        while not refuses(server):
            time.sleep(0.01)
        kept.request("GET", "/v2/health/live")
        response = kept.getresponse()
        assert (response.status, response.getheader("Connection")) == (200, "close")
        stopped.result(10)


def refuses(server: HttpServer) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.ports[0]), timeout=1).close()
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("sent", [b"", b"POST /capt"])
def test_quiet_connections_do_not_hold_the_stop_up(serve_http: Serve, sent: bytes) -> None:
    server = serve_http()
    with connected(server) as idle:
        idle.request("GET", "/v2/health/live")
        idle.getresponse().read()
        idle.sock.sendall(sent)
        server.stop(0.5)
        assert idle.sock.recv(1) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a machine is 127.0.0.1 alone")
def test_what_waits_behind_a_refused_connection_is_answered_while_stopping(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes]
) -> None:
    server = serve_http(connections_per_address=1)
    plane.gate, held = threading.Event(), threading.Event()

    def stop_listening() -> None:
        held.wait(10)
        server._stop_listening()

    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        working = pool.submit(post, server, picture())
        assert plane.waiting.acquire(timeout=10)
        server._in_loop(stop_listening)
        stack.enter_context(connected(server))  # one too many
        other = stack.enter_context(
            socket.create_connection(("127.0.0.1", server.ports[0]), 10, source_address=("127.0.0.2", 0))
        )
        other.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        held.set()
        assert other.recv(15) == b"HTTP/1.1 200 OK"
        plane.gate.set()
        assert working.result(10).status_code == 200


def test_stop_without_start_does_nothing(plane: Any) -> None:
    server = HttpServer(plane, "127.0.0.1", [0])
    server.stop(1.0)
    assert server.ports == ()
