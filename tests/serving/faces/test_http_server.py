import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
import requests

from serving.errors import ListenError, PortBusyError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.http.loop import Sockets
from serving.http.options import DropIn
from serving.http.server import HttpServer
from serving.metrics import Metrics
from serving.pictures import RequestLimits
from serving.security.gate import Gate

Serve = Callable[..., HttpServer]


@contextmanager
def connected(server: HttpServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=10)
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


def raw(server: HttpServer, request: bytes) -> tuple[int, dict[str, Any]]:
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10) as plain:
        plain.sendall(request)
        response = http.client.HTTPResponse(plain)
        response.begin()
        return response.status, json.loads(response.read())


def post(server: HttpServer, content: bytes) -> requests.Response:
    url = f"http://127.0.0.1:{server.ports[0]}/captcha/v3"
    return requests.post(url, data=content, timeout=10)


def test_all_ports_answer(serve_http: Serve, picture: Callable[..., bytes]) -> None:
    server = serve_http(count=3)
    assert len(set(server.ports)) == 3
    for port in server.ports:
        response = requests.post(f"http://127.0.0.1:{port}/captcha/v1", data=picture(), timeout=10)
        assert response.json()["message"] == "16x6"


def test_a_busy_port_is_named_and_the_others_are_given_back(plane: Any, serve_http: Serve) -> None:
    taken = serve_http().ports[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        other = free.getsockname()[1]
    with pytest.raises(PortBusyError, match=rf"port {taken} on 127\.0\.0\.1 is in use: stop .* or choose another"):
        HttpServer(plane, "127.0.0.1", [other, taken]).start()
    again = HttpServer(plane, "127.0.0.1", [other])
    again.start()
    again.stop(1.0)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine(plane: Any, host: str) -> None:
    with pytest.raises(ListenError, match=host):
        HttpServer(plane, host, [0]).start()


def test_a_connection_is_kept_for_the_next_request(serve_http: Serve, picture: Callable[..., bytes]) -> None:
    with connected(serve_http()) as connection:
        for width in (8, 9):
            connection.request("POST", "/captcha/v3", picture(width, 4))
            response = connection.getresponse()
            assert json.loads(response.read())["message"] == f"{width}x4"
            assert response.getheader("Connection") != "close"


def test_a_body_that_is_too_large_is_answered_even_if_it_is_sent_to_its_end(serve_http: Serve, plane: Any) -> None:
    server = serve_http(limits=RequestLimits(max_body_bytes=1000))
    response = post(server, b"x" * 3_000_000)
    assert (response.status_code, response.json()["code"]) == (413, 413)
    response = requests.post(f"http://127.0.0.1:{server.ports[0]}/captcha/v1", data=iter([b"x" * 900] * 2), timeout=10)
    assert (response.status_code, response.json()["code"]) == (413, 413)
    assert plane.calls == []


def test_a_body_at_the_limit_is_taken(serve_http: Serve, picture: Callable[..., bytes]) -> None:
    content = picture()
    assert post(serve_http(limits=RequestLimits(max_body_bytes=len(content))), content).status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST /captcha/v3 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n",
        b"POST /captcha/v3 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000,
        b"POST /captcha/v3 HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_a_client_that_asks_before_it_sends_is_refused_before_it_sends(serve_http: Serve, head: bytes) -> None:
    with connected(serve_http(limits=RequestLimits(max_body_bytes=1000))) as client:
        client.sock.sendall(head)
        answer = client.sock.makefile("rb").read()  # to the end: the connection is closed behind it
        assert answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 501 "))


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /captcha/v1 HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /captcha/v1 HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_http_is_answered_in_json(serve_http: Serve, request_text: bytes, status: int) -> None:
    answered, body = raw(serve_http(), request_text)
    assert answered == status
    assert (body["code"], body["success"]) == (status, False)


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


def test_a_client_that_says_that_it_is_done_gets_its_answer(serve_http: Serve, plane: Any) -> None:
    server = serve_http()
    plane.gate = threading.Event()
    with connected(server) as client:
        client.sock.sendall(b"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        client.sock.shutdown(socket.SHUT_WR)
        assert plane.waiting.acquire(timeout=10)
        plane.gate.set()
        assert client.sock.recv(12) == b"HTTP/1.1 400"


def test_requests_sent_one_behind_the_other_are_answered_in_order(
    serve_http: Serve, picture: Callable[..., bytes]
) -> None:
    server = serve_http(threads=1)
    bodies = [picture(width, 6) for width in range(10, 40)]
    with connected(server) as client:
        for body in bodies:
            head = f"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sock.sendall(head.encode() + body)
        answers = client.sock.makefile("rb")
        for width in range(10, 40):
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            length = int(http.client.parse_headers(answers)["Content-Length"])
            assert json.loads(answers.read(length))["message"] == f"{width}x6"


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


def test_the_word_of_a_trusted_proxy_reaches_the_gate(serve_http: Serve) -> None:
    gate = Gate(SecuritySection(Deny=["6.6.6.6"], TrustedProxies=["127.0.0.1"]))
    url = f"http://127.0.0.1:{serve_http(facilities=Facilities(gate=gate)).ports[0]}/v2"
    for address, status in (("6.6.6.6", 403), ("7.7.7.7", 200)):
        assert requests.get(url, headers={"X-Forwarded-For": address}, timeout=10).status_code == status


def test_stop_without_start_does_nothing(plane: Any) -> None:
    HttpServer(plane, "127.0.0.1", [0]).stop(1.0)


def test_what_is_refused_before_any_route_is_counted(serve_http: Serve) -> None:
    metrics = Metrics()
    server = serve_http(limits=RequestLimits(max_body_bytes=1000), facilities=Facilities(meter=metrics))
    uids = {post(server, b"x" * 1001).json()["uid"] for _ in range(3)}
    assert len(uids) == 3
    raw(server, b"nonsense\r\n\r\n")
    text = metrics.text().decode()
    assert 'cps_requests_total{protocol="http",route="none",status="413"} 3.0' in text
    assert 'cps_requests_total{protocol="http",route="none",status="400"} 1.0' in text


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/captcha/v3", 200, {"result": "Request Entity Too Large", "code": 413}),
        ("/v2/models/digits/infer", 413, {"error": "Request Entity Too Large: the limit is 1,000 bytes"}),
        ("/b", 200, {"error_code": "1001"}),
        ("/captcha", 200, {"status": "NO", "msg": "error"}),
        ("/predict", 200, {"success": False, "prediction": "", "debug": "error"}),
        ("/ping", 413, {"code": 413}),
    ],
)
def test_a_body_that_is_too_large_is_refused_in_the_form_of_its_path(
    serve_http: Serve, path: str, status: int, body: dict[str, object]
) -> None:
    server = serve_http(
        limits=RequestLimits(max_body_bytes=1000),
        legacy_http200=True,
        answer_names={"message": "result"},
        drop_in=frozenset(DropIn),
    )
    response = requests.post(f"http://127.0.0.1:{server.ports[0]}{path}", b"x" * 1001, timeout=10)
    assert response.status_code == status
    assert response.json().items() >= body.items()
