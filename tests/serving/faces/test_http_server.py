"""The HTTP server over real sockets."""

import http.client
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from serving.errors import ListenError, PortBusyError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.http.options import DropIn
from serving.http.server import HttpServer
from serving.metrics import Metrics
from serving.pictures import RequestLimits
from serving.security.gate import Gate
from tests.serving.faces.plain_http import Serve, connected, post, raw


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


def test_the_word_of_a_trusted_proxy_reaches_the_gate(serve_http: Serve) -> None:
    gate = Gate(SecuritySection(Deny=["6.6.6.6"], TrustedProxies=["127.0.0.1"]))
    url = f"http://127.0.0.1:{serve_http(facilities=Facilities(gate=gate)).ports[0]}/v2"
    for address, status in (("6.6.6.6", 403), ("7.7.7.7", 200)):
        assert requests.get(url, headers={"X-Forwarded-For": address}, timeout=10).status_code == status


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
