"""T8, T9: a model that is flooded, or stands still, takes nothing from another; its queue stays within its bound."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from contract import image
from contract.pixels import Pixels
from serving.answer import Hints
from serving.budget import Budget
from serving.errors import OverloadedError, UnreadablePictureError
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually, picture

FLOODED, QUIET = (8, 4), (9, 4)


@contextmanager
def flood(service: Service, clients: int, sizes: list[int]) -> Iterator[Counter[str]]:
    """Ask a model without pause from many threads; yields what became of it. `sizes` gets its queue's lengths."""
    stop, outcomes = threading.Event(), Counter[str]()

    def ask_on() -> None:
        while not stop.is_set():
            try:
                service.ask(size=FLOODED, name="flooded")
                outcomes["answered"] += 1
            except OverloadedError:
                outcomes["refused"] += 1
                sizes.append(service.plane.queues()[0].waiting)
                stop.wait(0.001)

    askers = [threading.Thread(target=ask_on) for _ in range(clients)]
    for asker in askers:
        asker.start()
    eventually(lambda: outcomes["refused"] > 0)
    try:
        yield outcomes
    finally:
        stop.set()
        for asker in askers:
            asker.join(20)


@pytest.fixture
def service(service_for: Callable[..., Service], shop: Shop) -> Service:
    made = service_for(Batching__Queue=16, Batching__MaxBatch=4, Limits__PicturesPerRequest=1)
    shop.publish("flooded", size=FLOODED, delay=0.01)
    shop.publish("quiet", size=QUIET)
    made.step()
    return made


def test_a_quiet_model_answers_all_beside_one_that_is_flooded(service: Service) -> None:
    sizes: list[int] = []
    with flood(service, 60, sizes) as outcomes:
        for number in range(200):
            assert service.ask(number, QUIET).text == f"quiet1.0-{number}"
        eventually(lambda: outcomes["answered"] > 50 and outcomes["refused"] > 50)
    assert max(sizes) <= 16
    assert service.ask(3, FLOODED).text == "flooded1.0-3"  # and when it is over, it is over


def test_a_quiet_model_answers_all_beside_one_that_stands_still(service: Service, engine: FakeEngine) -> None:
    engine.reader("flooded1.0").orders["gate"] = True
    with flood(service, 60, []) as outcomes:
        for number in range(100):
            assert service.ask(number, QUIET).text == f"quiet1.0-{number}"
        assert outcomes["answered"] == 0
        engine.gate.set()


def test_what_a_full_queue_would_refuse_is_not_decoded(service: Service, engine: FakeEngine) -> None:
    engine.reader("flooded1.0").orders["gate"] = True
    cut_off = [picture(1, size)[:-24] for size in (FLOODED, QUIET)]
    with flood(service, 60, []):
        with pytest.raises(OverloadedError):
            service.plane.recognize(cut_off[:1], Hints())
        (answer,) = service.plane.recognize(cut_off[1:], Hints())
        assert isinstance(answer.error, UnreadablePictureError)
        engine.gate.set()
    (answer,) = service.plane.recognize(cut_off[:1], Hints())
    assert isinstance(answer.error, UnreadablePictureError)


def test_large_pictures_at_one_model_leave_room_for_another(
    service_for: Callable[..., Service], shop: Shop, engine: FakeEngine
) -> None:
    size = len(picture(1, FLOODED))
    service = service_for(Limits__BytesInFlight=8 * size)
    shop.publish("flooded", size=FLOODED, gate=False)
    shop.publish("quiet", size=QUIET)
    service.step()
    engine.reader("flooded1.0").orders["gate"] = True
    outcomes: Counter[str] = Counter()

    def ask() -> None:
        try:
            service.plane.recognize([picture(1, FLOODED)], Hints(name="flooded"))
            outcomes["answered"] += 1
        except OverloadedError:
            outcomes["refused"] += 1

    askers = [threading.Thread(target=ask) for _ in range(12)]
    for asker in askers:
        asker.start()
    eventually(lambda: outcomes["refused"] == 6)  # three quarters of eight are held
    assert service.ask(5, QUIET).text == "quiet1.0-5"
    engine.gate.set()
    for asker in askers:
        asker.join(10)
    assert outcomes == {"answered": 6, "refused": 6}


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> list[int]:
    """Sizes of the files that were decoded; those for the flooded model wait there for the engine's gate."""
    sizes: list[int] = []
    decode, large = image.to_pixels, picture(1, FLOODED)

    def slowly(content: bytes, *how: Any, **more: Any) -> Pixels:
        if more:  # not for the proof of a model
            sizes.append(len(content))
            assert content != large or engine.gate.wait(20)
        return decode(content, *how, **more)

    monkeypatch.setattr(image, "to_pixels", slowly)
    return sizes


@contextmanager
def asked_at_once(service: Service, clients: int) -> Iterator[Counter[str]]:
    outcomes: Counter[str] = Counter()

    def ask() -> None:
        try:
            service.plane.recognize([picture(1, FLOODED)], Hints())
            outcomes["answered"] += 1
        except OverloadedError:
            outcomes["refused"] += 1

    askers = [threading.Thread(target=ask) for _ in range(clients)]
    for asker in askers:
        asker.start()
    yield outcomes
    for asker in askers:
        asker.join(20)


def test_what_comes_together_is_decoded_only_as_far_as_there_is_room(
    service: Service, engine: FakeEngine, decoded: list[int]
) -> None:
    with asked_at_once(service, 40) as outcomes:
        eventually(lambda: outcomes["refused"] == 24)
        eventually(lambda: len(decoded) == 16)
        assert service.ask(5, QUIET).text == "quiet1.0-5"
        engine.gate.set()
    assert outcomes == {"answered": 16, "refused": 24}
    assert len(decoded) == 17
    assert [session.target.batcher._coming for session in service.lifecycle._pool.routes.all] == [0, 0]


def test_bytes_count_for_their_model_while_they_are_decoded(
    service_for: Callable[..., Service], shop: Shop, engine: FakeEngine, decoded: list[int]
) -> None:
    service = service_for(Limits__BytesInFlight=8 * len(picture(1, FLOODED)))
    shop.publish("flooded", size=FLOODED)
    shop.publish("quiet", size=QUIET)
    service.step()
    with asked_at_once(service, 12) as outcomes:
        eventually(lambda: outcomes["refused"] == 6)  # three quarters of eight are held
        eventually(lambda: len(decoded) == 6)
        assert service.ask(5, QUIET).text == "quiet1.0-5"
        engine.gate.set()
    assert outcomes == {"answered": 6, "refused": 6}


def test_room_is_given_back_for_what_cannot_be_decoded(service: Service) -> None:
    for _ in range(20):
        (answer,) = service.plane.recognize([picture(1, QUIET)[:-24]], Hints())
        assert isinstance(answer.error, UnreadablePictureError)
    assert service.ask(5, QUIET).text == "quiet1.0-5"


def test_a_budget_forgets_what_has_been_answered() -> None:
    budget = Budget(100)
    for _ in range(3):
        with budget.hold(100), budget.share({"a": 90, "b": 10}):  # alone it may hold as much as there is
            with pytest.raises(OverloadedError, match="100 bytes"), budget.hold(1):
                pass
            with pytest.raises(OverloadedError, match="wait for a"), budget.share({"b": 1, "a": 1}):
                pass
            with budget.share({"b": 60}):
                pass
    assert budget._used == 0
    assert not budget._by_model
