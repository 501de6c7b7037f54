"""What is refused again without being parsed again gets just what it would have got."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.adjustments import Adjustments

from serving.http.connections import Channel
from serving.http.exchange import Parser
from serving.http.repeats import Head, Repeats
from serving.metrics import Metrics
from tests.serving.faces.plain_http import Serve
from tests.serving.rig import Clock

HEAD = b"POST /captcha/v3 HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
ANSWER = b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"uid":"first"}'


def repeats(clock: Clock | None = None, *, full: bool = True) -> Repeats:
    known = Repeats(lambda path: full and path == "/captcha/v3", Metrics(), max_body_bytes=9, clock=clock or Clock())
    known.learn(Head(HEAD, "/captcha/v3", body_bytes=5), ANSWER, "first")
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


def test_in_the_next_second_it_is_forgotten() -> None:
    clock = Clock()
    known = repeats(clock)
    clock.now += 1
    assert known.answer(HEAD + b"12345") is None


SPELLINGS = [b"Content-Length:%d", b"CONTENT-LENGTH: %d", b"content-length:  %d", b"Content-Length:\t%d"]
SPELLINGS += [
    b"Content-Length: %d ",
    b"Content-Length: 000000000%d",
    b"Content-Length:\r\n %d",
    b"X: content-length: %d",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(length=st.integers(0, 9), told=st.integers(0, 9), sent=st.integers(0, 9))
def test_no_request_is_answered_before_its_body_is_there(spelling: bytes, length: int, told: int, sent: int) -> None:
    def parsed(count: int, body: bytes) -> Parser:
        parser, data = Parser(Adjustments()), head(count) + body
        while data and not parser.completed:
            data = data[parser.received(data) :]
        return parser

    def head(count: int) -> bytes:
        return b"POST /captcha/v3 HTTP/1.1\r\nHost: here\r\n" + spelling % count + b"\r\n\r\n"

    known = Repeats(lambda _path: True, Metrics(), max_body_bytes=99, clock=Clock())
    learned = parsed(length, bytes(length)).head()
    assert learned
    known.learn(learned, ANSWER, "first")
    asked = parsed(told, bytes(sent))
    if known.answer(head(told) + bytes(sent)) is not None:
        assert asked.completed
        assert asked.content_length == sent


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
    for _, headers, body in told:
        del headers["Date"], body["uid"]
    assert all(one == told[0] for one in told)


def test_it_is_not_parsed_again(
    serve_http: Serve, plane: Any, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []

    class Counted(Parser):
        def received(self, data: bytes) -> int:
            parsed.append(self)
            return super().received(data)

    monkeypatch.setattr(Channel, "parser_class", Counted)
    monkeypatch.setattr("serving.http.repeats.Repeats._forget_the_last_second", lambda _repeats: None)
    server = serve_http()
    content = picture()
    plane.is_full = True
    head = f"POST /captcha/v3 HTTP/1.1\r\nHost: here\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    assert len(ask(server.ports[0], [head + content] * 20, pieces=1)) == 20
    assert len({id(one) for one in parsed}) == 1


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
