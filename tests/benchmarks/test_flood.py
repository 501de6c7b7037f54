"""What a flood tells of the requests that it sent."""

import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks import flood

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood, "_LAST_ANSWERS_SECONDS", 0.1)


@pytest.fixture
def service() -> Iterator[socket.socket]:
    """A socket that takes connections; nobody answers yet."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def poured(service: socket.socket, connections: int) -> flood.Poured:
    url = f"http://127.0.0.1:{service.getsockname()[1]}"
    return flood.pour(url, [b"picture"], rate=100, seconds=0.3, connections=connections, after=0)


def test_a_silent_service_holds_no_flood_up_and_its_requests_are_told(service: socket.socket) -> None:
    found = poured(service, connections=2)
    assert not found.answers
    assert found.outcomes == {flood.UNANSWERED: 2}
    assert found.seconds < 1


def test_what_comes_behind_the_end_is_not_among_the_answers(service: socket.socket) -> None:
    def answer() -> None:
        taken = [service.accept()[0] for _ in range(2)]
        while taken[0].recv(65536):
            taken[0].sendall(ANSWER)
        for connection in taken:
            connection.close()

    answering = threading.Thread(target=answer)
    answering.start()
    found = poured(service, connections=2)
    answering.join()
    assert found.answers.keys() == {200}
    assert found.late[flood.UNANSWERED] == 1
    assert found.outcomes.total() == found.answers.total() + found.late.total()
