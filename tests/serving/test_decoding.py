"""T16: pictures with many pixels are decoded a few at a time, and hold up no others."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contract import image
from contract.pixels import Pixels
from serving import turns, withdrawal
from serving.answer import Hints
from serving.decoding import AT_ONCE, MANY_PIXELS, DecodingRoom
from serving.errors import DeadlineError
from tests.serving.rig import Service, Shop, eventually, picture

LARGE, SMALL = (600, 500), (9, 4)
assert LARGE[0] * LARGE[1] > MANY_PIXELS


def test_a_few_large_pictures_are_decoded_at_once_and_small_ones_beside_them(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish("large", size=LARGE)
    shop.publish("small", size=SMALL)
    service.step()
    decode, gate, decoding = image.to_pixels, threading.Event(), list[int]()

    def slowly(content: bytes, *how: Any, **more: Any) -> Pixels:
        if content == large:
            decoding.append(1)
            assert gate.wait(20)
        return decode(content, *how, **more)

    large = picture(1, LARGE)
    monkeypatch.setattr(image, "to_pixels", slowly)
    texts: list[str] = []

    def ask() -> None:
        texts.extend(answer.text for answer in service.plane.recognize([large], Hints()))

    askers = [threading.Thread(target=ask) for _ in range(3 * AT_ONCE)]
    for asker in askers:
        asker.start()
    eventually(lambda: len(decoding) == AT_ONCE)
    assert service.ask(5, SMALL).text == "small1.0-5"
    assert len(decoding) == AT_ONCE
    gate.set()
    for asker in askers:
        asker.join(20)
    assert texts == ["large1.0-1"] * len(askers)


class Seat:
    """Counts how often its thread lets others go on."""

    left = 0

    def leave(self) -> None:
        self.left += 1

    def come_back(self, wake: Callable[[], None]) -> None:
        wake()


@pytest.fixture
def seat() -> Iterator[Seat]:
    seat = Seat()
    turns.take(seat)
    yield seat
    turns.take(turns.NOBODY)


def test_who_waits_for_room_waits_no_longer_than_its_deadline(seat: Seat) -> None:
    room, gate, later = DecodingRoom(), threading.Event(), time.monotonic() + 60
    done: list[str] = []
    room.run(lambda: done.append("small"), MANY_PIXELS, 0.0, "a")
    assert seat.left == 0
    busy = [threading.Thread(target=room.run, args=[gate.wait, MANY_PIXELS + 1, later, "a"]) for _ in range(AT_ONCE)]
    for one in busy:
        one.start()
    with pytest.raises(DeadlineError, match="room to decode"):
        room.run(lambda: done.append("never"), MANY_PIXELS + 1, time.monotonic() + 0.05, "a")
    gate.set()
    room.run(lambda: done.append("large"), MANY_PIXELS + 1, later, "a")
    assert done == ["small", "large"]
    assert seat.left == 2


def test_what_has_begun_before_its_deadline_is_finished_and_its_faults_are_told() -> None:
    room, done = DecodingRoom(), list[str]()

    def slowly() -> None:
        time.sleep(0.7)
        done.append("late")

    room.run(slowly, MANY_PIXELS + 1, time.monotonic() + 0.5, "a")
    assert done == ["late"]

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        room.run(fail, MANY_PIXELS + 1, time.monotonic() + 60, "a")


def test_a_flood_of_large_pictures_for_one_model_holds_up_no_other() -> None:
    room, gate, later = DecodingRoom(), threading.Event(), time.monotonic() + 60
    done: list[str] = []

    def ask(model: str, decode: Callable[[], object]) -> threading.Thread:
        asker = threading.Thread(target=room.run, args=[decode, MANY_PIXELS + 1, later, model])
        asker.start()
        return asker

    def hold() -> None:
        held.append(1)
        assert gate.wait(20)

    held: list[int] = []
    asked = [ask("flooded", hold) for _ in range(AT_ONCE)]
    eventually(lambda: len(held) == AT_ONCE)
    asked += [ask("flooded", lambda: done.append("flooded")) for _ in range(20)]
    eventually(lambda: sum(map(len, room._lines.values())) == 20)
    asked += [ask("quiet", lambda: done.append("quiet"))]
    eventually(lambda: sum(map(len, room._lines.values())) == 21)
    gate.set()
    for asker in asked:
        asker.join(20)
    assert len(done) == 21
    assert done.index("quiet") <= AT_ONCE


@pytest.mark.parametrize("end", ["deadline", "client"])
def test_what_nobody_waits_for_any_more_is_not_decoded(
    end: str, service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish("large", size=LARGE)
    service.step()
    decode, decoded, client = image.to_pixels, list[int](), withdrawal.Withdrawal()

    def slowly(content: bytes, *how: Any, **more: Any) -> Pixels:
        decoded.append(1)
        if end == "client":
            client.withdraw()
        else:
            time.sleep(0.6)
        return decode(content, *how, **more)

    monkeypatch.setattr(image, "to_pixels", slowly)
    deadline = time.monotonic() + (0.5 if end == "deadline" else 60)
    with withdrawal.entered(client), pytest.raises(DeadlineError):
        service.plane.recognize([picture(1, LARGE)] * 5, Hints(), deadline=deadline)
    assert len(decoded) == 1
