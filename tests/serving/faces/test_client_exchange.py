"""The client over HTTP against what is no service of ours, or one that is in a bad way."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO

import pytest

from serving.client import Credentials, HttpClient, Patience, RefusedError, UnreachableError
from serving.load.senders import HttpSender

ONE = {"message": "12", "success": True, "confidence": 0.5, "model": "digits", "version": "1.0", "code": 0}
HTML = b"<html>no healthy upstream</html>"
Answer = bytes | Callable[[socket.socket], None]


def answered(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Some\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def results(*one: object) -> bytes:
    return answered(200, json.dumps({"results": one}).encode())


class Stub:
    """Gives one answer after the other, on as many connections as it takes."""

    def __init__(self, answers: list[Answer]) -> None:
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._address = self._listening.getsockname()
        self.url = f"http://127.0.0.1:{self._address[1]}"
        self._answers = answers
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._answers.clear()
        with suppress(OSError):  # it may listen no more
            socket.create_connection(self._address, timeout=10).close()  # which it may wait for
        self._thread.join()

    def _serve(self) -> None:
        with self._listening:
            while self._answers:
                connection = self._listening.accept()[0]
                with connection, connection.makefile("rb") as asked, suppress(OSError):
                    self.connections += 1
                    self._answer(connection, asked)

    def _answer(self, connection: socket.socket, asked: BinaryIO) -> None:
        while self._answers and asked.readline():
            asked.read(int(http.client.parse_headers(asked).get("Content-Length", "0")))
            answer = self._answers.pop(0)
            if callable(answer):
                answer(connection)
                return
            connection.sendall(answer)


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    made: list[Stub] = []

    def make(*answers: Answer) -> Stub:
        made.append(Stub(list(answers)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_proxy_that_says_try_again_is_asked_again(stub: Callable[..., Stub], status: int) -> None:
    with HttpClient(stub(answered(status, HTML), results(ONE)).url, Patience(5.0, retries=1)) as client:
        assert client.read(b"").text == "12"
    with (
        HttpClient(stub(answered(status, HTML)).url, Patience(5.0, retries=0)) as client,
        pytest.raises(RefusedError, match=f"answered {status}") as caught,
    ):
        client.read(b"")
    assert (caught.value.status, caught.value.code) == (status, 0)


@pytest.mark.parametrize(
    "answer",
    [answered(200, body) for body in (HTML, b"[]", b"{}", b"null", b'{"results": 3}', b'{"results": ["x"]}')]
    + [results(), results(ONE, ONE), results({**ONE, "confidence": None})]
    + [answered(400, b"[]"), answered(404, b'"x"'), answered(502, HTML)],
)
def test_what_another_service_answers_is_refused_with_a_sentence(stub: Callable[..., Stub], answer: bytes) -> None:
    with (
        HttpClient(stub(answer).url, Patience(5.0, retries=0)) as client,
        pytest.raises(RefusedError, match="is it this service"),
    ):
        client.read(b"")


def test_a_load_tells_another_service_and_a_proxy(stub: Callable[..., Stub]) -> None:
    sender = HttpSender(stub(answered(503, HTML), answered(200, b"[]"), answered(200, HTML)).url, 5.0, Credentials())
    assert [sender.send(b"").error for _ in range(3)] == ["HTTP 503", "another service", "another service"]
    sender.close()


def drip(connection: socket.socket) -> None:
    """Send an answer of which each piece comes in time, and the whole too late."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")
        for _ in range(60):
            connection.sendall(b" ")
            time.sleep(0.05)


def test_a_limit_holds_for_all_of_an_answer(stub: Callable[..., Stub]) -> None:
    with HttpClient(stub(drip).url, Patience(0.5, retries=0)) as client, pytest.raises(UnreachableError):
        client.read(b"")
    sender = HttpSender(stub(drip).url, 0.5, Credentials())
    assert sender.send(b"").error == "TimeoutError"
    sender.close()


def test_an_answer_that_breaks_off_is_none(stub: Callable[..., Stub]) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(results(ONE)[:-9])

    with HttpClient(stub(half, results(ONE)).url, Patience(5.0, retries=1)) as client:
        assert client.read(b"").text == "12"


def test_a_connection_is_kept_behind_answers_of_every_form(stub: Callable[..., Stub]) -> None:
    body = json.dumps({"results": [ONE]}).encode()
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    service = stub(results(ONE), chunked, answered(200, b" " * 200_000 + body), results(ONE))
    with HttpClient(service.url, Patience(5.0, retries=0)) as client:
        assert [client.read(b"").text for _ in range(4)] == ["12"] * 4
    assert service.connections == 1


def test_all_connections_share_what_the_system_believes() -> None:
    credentials = Credentials()
    assert credentials.context is credentials.context


@pytest.mark.parametrize("mistaken", [{"key": "ключ"}, {"key": "two\nlines"}, {"signer": "ключ"}])
def test_credentials_that_cannot_be_sent_are_refused(mistaken: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="characters"):
        Credentials(**mistaken)
