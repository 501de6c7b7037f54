import selectors
import socket
from collections.abc import Callable, Iterator

import pytest

from serving.http.loop import Sockets


class Wire:
    """One end of a connection, as the loop sees it, that counts how often it is asked."""

    accepting = False

    def __init__(self, sockets: Sockets) -> None:
        self.end, self.other = socket.socketpair()
        self._fileno = self.end.fileno()
        self.reads, self.writes = True, False
        self.asked = 0
        self.heard: list[bytes] = []
        self.sockets = sockets
        sockets[self._fileno] = self

    def readable(self) -> bool:
        self.asked += 1
        return self.reads

    def writable(self) -> bool:
        return self.writes

    def handle_read_event(self) -> None:
        self.heard.append(self.end.recv(100))

    def handle_write_event(self) -> None:
        self.end.send(b"out")
        self.writes = False

    def close(self) -> None:
        if self.sockets.get(self._fileno) is self:
            del self.sockets[self._fileno]
        self.end.close()
        self.other.close()


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    sockets = Sockets()
    yield sockets
    sockets.close()


@pytest.fixture
def wire(sockets: Sockets) -> Callable[[], Wire]:
    return lambda: Wire(sockets)


def test_quiet_ones_are_not_asked(sockets: Sockets, wire: Callable[[], Wire]) -> None:
    quiet = [wire() for _ in range(50)]
    busy = wire()
    sockets.turn(0)
    before = [one.asked for one in quiet]
    for _ in range(20):
        busy.other.send(b"x")
        sockets.turn(1)
    assert busy.heard == [b"x"] * 20
    assert [one.asked for one in quiet] == before


def test_what_is_not_wanted_waits_until_it_is(sockets: Sockets, wire: Callable[[], Wire]) -> None:
    one = wire()
    sockets.turn(0)
    one.reads = False
    one.other.send(b"later")
    sockets.turn(1)
    sockets.turn(0)
    assert one.heard == []
    one.reads = True
    assert sockets.unheard(one)
    sockets.note(one)
    sockets.turn(1)
    assert one.heard == [b"later"]
    assert not sockets.unheard(one)


def test_room_to_send_is_waited_for_only_while_there_is_something(sockets: Sockets, wire: Callable[[], Wire]) -> None:
    one = wire()
    one.writes = True
    sockets.turn(1)
    assert one.other.recv(10) == b"out"
    sockets.turn(0)
    sockets.turn(0)
    assert not one.writes
    assert sockets._waited[one._fileno] == selectors.EVENT_READ


def test_one_that_is_closed_is_heard_no_more(sockets: Sockets, wire: Callable[[], Wire]) -> None:
    first, second = wire(), wire()
    sockets.turn(0)
    first.handle_read_event = second.close  # type: ignore[method-assign]
    first.other.send(b"x")
    second.other.send(b"x")
    sockets.turn(1)
    assert second.heard == []
    assert not sockets.unheard(second)


def test_connections_that_were_answered_last_come_after_the_others_and_a_few_at_a_time(
    sockets: Sockets, wire: Callable[[], Wire]
) -> None:
    flood, quiet = [wire() for _ in range(20)], wire()
    order: list[Wire] = []
    for one in [*flood, quiet]:
        one.answered_at = float(one is not quiet)
        one.other.send(b"in")
        one.handle_read_event = lambda one=one: order.append(one) or one.heard.append(one.end.recv(100))
    sockets.turn(1)
    assert order[0] is quiet
    assert 1 < len(order) < 20
    while len(order) < 21:
        quiet.other.send(b"in")
        before = len(order)
        sockets.turn(1)
        assert order.pop(before) is quiet
        assert len(order) > before
    assert len(set(order)) == 21


def test_a_crowd_is_seen_to_in_a_few_looks(sockets: Sockets, wire: Callable[[], Wire]) -> None:
    crowd = [wire() for _ in range(200)]
    for one in crowd:
        one.other.send(b"in")
    turns = 0
    while not all(one.heard for one in crowd):
        sockets.turn(1)
        turns += 1
    assert turns <= 20


def test_what_comes_after_a_refusal_gathers_for_a_moment(
    sockets: Sockets, wire: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, late = wire(), wire()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        late.other.send(b"late")

    monkeypatch.setattr("serving.http.loop.time.sleep", sleep)
    one.other.send(b"in")
    sockets.turn(1)
    assert not slept
    sockets.gather()
    one.other.send(b"in")
    sockets.turn(1)
    assert len(slept) == 1
    assert (one.heard, late.heard) == ([b"in", b"in"], [b"late"])
    one.other.send(b"in")
    sockets.turn(1)
    assert len(slept) == 1


def test_nothing_gathers_before_all_that_is_there_has_been_seen_to(
    sockets: Sockets, wire: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = [wire() for _ in range(20)]
    seen: list[int] = []
    monkeypatch.setattr("serving.http.loop.time.sleep", lambda _: seen.append(sum(bool(one.heard) for one in crowd)))
    for one in crowd:
        one.handle_read_event = lambda one=one: one.heard.append(one.end.recv(100)) or sockets.gather()
        one.other.send(b"in")
    while not seen:
        sockets.turn(1)
    assert seen == [20]
