"""What cannot be done is refused at once, and nothing else is held up by it."""

import http.client
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from serving.http.server import HttpServer
from tests.serving.faces.plain_http import Serve, post


def url_of(server: HttpServer, path: str = "/captcha/v3") -> str:
    return f"http://127.0.0.1:{server.ports[0]}{path}"


def test_more_than_can_be_worked_on_is_refused_at_once_and_health_goes_on(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes]
) -> None:
    server = serve_http(threads=2)
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool:
        accepted = [pool.submit(post, server, picture()) for _ in range(2)]
        for _ in accepted:
            assert plane.waiting.acquire(timeout=10)
        refused = [post(server, picture()) for _ in range(3)]
        alive = requests.get(f"http://127.0.0.1:{server.ports[0]}/v2/health/live", timeout=10)
        plane.gate.set()
        assert [future.result().json()["message"] for future in accepted] == ["16x6", "16x6"]
    for response in refused:
        assert (response.status_code, response.json()["code"]) == (503, 503)
        assert response.headers["Retry-After"] == "1"
    assert len({response.json()["uid"] for response in refused}) == 3
    assert alive.status_code == 200
    plane.gate = None
    assert post(server, picture()).status_code == 200


def test_while_no_model_has_room_nothing_is_looked_at(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes]
) -> None:
    server = serve_http()
    with requests.Session() as kept:
        plane.is_full = True
        refused = [kept.post(url_of(server), data=picture(), timeout=10) for _ in range(3)]
        index = kept.post(url_of(server, "/v2/repository/index"), timeout=10)
        plane.is_full = False
        answered = kept.post(url_of(server), data=picture(), timeout=10)
    for response in refused:
        assert (response.status_code, response.json()["code"]) == (503, 503)
        assert response.headers["Retry-After"] == "1"
    assert index.status_code == 200  # not a question for a model
    assert answered.json()["message"] == "16x6"
    assert len(plane.calls) == 1


def test_requests_behind_a_refused_one_are_answered_in_order(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes]
) -> None:
    server = serve_http()
    plane.is_full = True
    content = picture()
    head = f"POST /captcha/v3 HTTP/1.1\r\nHost: here\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10) as plain:
        plain.sendall(2 * (head + content) + b"GET /v2/health/live HTTP/1.1\r\nHost: here\r\n\r\n")
        with plain.makefile("rb") as answers:
            assert [status_of(answers) for _ in range(3)] == [503, 503, 200]


def status_of(answers: Any) -> int:
    """Read one answer off a connection."""
    status = int(answers.readline().split()[1])
    headers = http.client.parse_headers(answers)
    answers.read(int(headers["Content-Length"]))
    return status
