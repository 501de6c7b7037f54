"""T16: pictures with many pixels are decoded a few at a time, and hold up no others."""

import threading
import time
from collections.abc import Callable

import pytest
from PIL import Image

from contract import image
from serving import turns
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
    decode, gate, decoding = image.decode, threading.Event(), list[int]()

    def slowly(content: bytes, limits: image.Limits) -> Image.Image:
        if content == large:
            decoding.append(1)
            assert gate.wait(20)
        return decode(content, limits)

    large = picture(1, LARGE)
    monkeypatch.setattr(image, "decode", slowly)
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


def test_who_waits_for_room_waits_no_longer_than_its_deadline_and_gives_its_turn(
    request: pytest.FixtureRequest,
) -> None:
    class Seat:
        left = 0

        def leave(self) -> None:
            Seat.left += 1

        def come_back(self, wake: Callable[[], None]) -> None:
            wake()

    request.addfinalizer(lambda: turns.take(turns.NOBODY))
    turns.take(Seat())
    room, later = DecodingRoom(), time.monotonic() + 60
    with room.hold(MANY_PIXELS, later):
        assert Seat.left == 0
    with room.hold(MANY_PIXELS + 1, later), room.hold(MANY_PIXELS + 1, later):
        with pytest.raises(DeadlineError, match="room to decode"), room.hold(MANY_PIXELS + 1, time.monotonic() + 0.01):
            pass
        with room.hold(MANY_PIXELS, 0.0):
            pass
    with pytest.raises(ZeroDivisionError), room.hold(MANY_PIXELS + 1, later):
        raise ZeroDivisionError
    with room.hold(MANY_PIXELS + 1, later), room.hold(MANY_PIXELS + 1, later):
        assert Seat.left == 6
