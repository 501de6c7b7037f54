"""What is refused again without being parsed again gets just what it would have got."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.http.connections import Channel
from serving.http.exchange import Parser
from serving.http.repeats import Head, Repeats
from serving.metrics import Metrics
from tests.serving.faces.plain_http import Serve

HEAD = b"POST /captcha/v3 HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
ANSWER = b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"uid":"first"}'


def repeats(full: bool = True) -> Repeats:
    known = Repeats(lambda path: full and path == "/captcha/v3", Metrics(), max_body_bytes=9)
    known.learn(Head(HEAD, "/captcha/v3"), ANSWER, "first")
    return known


def test_the_same_request_is_refused_in_the_same_words_under_a_name_of_its_own() -> None:
    known = repeats()
    names = ["first"]
    for body in (b"12345", b"abcde"):
        answer = known.answer(HEAD + body) or b""
        names.append(json.loads(answer.partition(b"\r\n\r\n")[2])["uid"])
        assert answer.replace(names[-1].encode(), b"first") == ANSWER
    assert len(set(names)) == 3


def test_nothing_is_refused_while_there_is_room() -> None:
    assert repeats(full=False).answer(HEAD + b"12345") is None


def test_bodies_of_other_lengths_are_refused_too_but_for_those_that_are_too_long() -> None:
    for length in range(12):
        head = HEAD.replace(b": 5\r", f": {length}\r".encode())
        assert (repeats().answer(head + bytes(length)) is not None) == (length <= 9)
        assert repeats().answer(head + bytes(length + 1)) is None


@given(st.binary(max_size=12), st.integers(0, len(HEAD)), st.integers(0, len(HEAD)))
def test_only_one_whole_request_with_that_very_head_is(body: bytes, start: int, end: int) -> None:
    data = HEAD[start:end] + body
    assert (repeats().answer(data) is not None) == (data[: len(HEAD)] == HEAD and len(data) == len(HEAD) + 5)


@pytest.mark.parametrize("extra", ["", "Connection: keep-alive", "Expect: 100-continue", "Connection: close"])
@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_clients_see_no_difference(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes], extra: str, pieces: int
) -> None:
    server = serve_http()
    content = picture()
    extra = extra or "Accept: */*"
    head = f"POST /captcha/v3 HTTP/1.1\r\nHost: a\r\n{extra}\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    plane.is_full = True
    refused = [ask(server.ports[0], [head + content] * 4, pieces) for _ in range(2)]
    plane.is_full = False
    answered = ask(server.ports[0], [head + content] * 4, pieces)
    at_once = 1 if "close" in extra else 4
    assert [[status for status, _, _ in answers] for answers in (*refused, answered)] == [
        [503] * at_once,
        [503] * at_once,
        [200] * at_once,
    ]
    told = [answer for answers in refused for answer in answers]
    assert len({body["uid"] for _, _, body in told}) == 2 * at_once
    assert len({(json.dumps({**body, "uid": ""}), str(sorted(headers))) for _, headers, body in told}) == 1


def test_it_is_not_parsed_again(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []

    class Counted(Parser):
        def received(self, data: bytes) -> int:
            parsed.append(self)
            return super().received(data)

    monkeypatch.setattr(Channel, "parser_class", Counted)
    server = serve_http()
    content = picture()
    plane.is_full = True
    head = f"POST /captcha/v3 HTTP/1.1\r\nHost: here\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    assert len(ask(server.ports[0], [head + content] * 20, pieces=1)) == 20
    assert len({id(one) for one in parsed}) <= 3  # once in each second


def ask(port: int, wanted: list[bytes], pieces: int) -> list[tuple[int, dict[str, str], dict[str, Any]]]:
    """Send requests, each in so many pieces, one behind the answer of the other, until the server closes."""
    told = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        for one in wanted:
            step = -(-len(one) // pieces)
            for start in range(0, len(one), step):
                plain.sendall(one[start : start + step])
            response = http.client.HTTPResponse(plain)
            response.begin()
            told.append((response.status, dict(response.headers), json.loads(response.read())))
            if response.getheader("Connection") == "close":
                break
    return told
