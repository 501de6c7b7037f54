import threading
import time
from collections.abc import Callable

import pytest

from contract.spec import version_key
from serving.answer import Answer, Hints, Recognizes
from serving.errors import (
    BadRequestError,
    DeadlineError,
    ModelFailedError,
    OverloadedError,
    TooLargeError,
    UnknownModelError,
    UnreadablePictureError,
)
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually, picture


def test_the_data_plane_is_what_the_transports_expect(service: Service) -> None:
    plane: Recognizes = service.plane
    assert (list(plane.models()), plane.ready()) == ([], False)


def test_a_batch_of_several_sizes_is_answered_in_order(service: Service, shop: Shop, engine: FakeEngine) -> None:
    shop.publish("small", size=(8, 4))
    shop.publish("large", size=(16, 4))
    service.step()
    pictures = [picture(gray, (16, 4) if gray % 3 else (8, 4)) for gray in range(9)]
    answers = service.plane.recognize(pictures, Hints())
    models = ["large" if gray % 3 else "small" for gray in range(9)]
    assert [answer.text for answer in answers] == [f"{model}1.0-{gray}" for gray, model in enumerate(models)]
    assert [answer.model for answer in answers] == models
    assert engine.reader("large1.0").batches[-1] == 6


def test_one_bad_picture_does_not_fail_the_others(service_for: Callable[..., Service], shop: Shop) -> None:
    service = service_for(Limits__PicturePixels=100, Limits__PictureBytes=1000)
    shop.publish(chokes_on=13)
    service.step()
    good = picture(5)
    pictures = [
        good,
        b"no picture",
        good[:40],
        picture(1, (20, 20)),
        picture(1, (9, 4)),
        b"x" * 1001,
        picture(13),
        good,
    ]
    answers = service.plane.recognize(pictures, Hints())
    kinds = [type(answer.error) for answer in answers]
    broken = [UnreadablePictureError, UnreadablePictureError, TooLargeError, UnknownModelError, TooLargeError]
    assert kinds == [type(None), *broken, ModelFailedError, type(None)]
    assert answers[-1] == Answer("digits1.0-5", 0.5, (), "digits", "1.0")


def test_a_request_needs_pictures_and_not_too_many(service_for: Callable[..., Service]) -> None:
    service = service_for(Limits__PicturesPerRequest=2)
    with pytest.raises(BadRequestError):
        service.plane.recognize([], Hints())
    with pytest.raises(TooLargeError, match="3 pictures in one request; the limit is 2"):
        service.plane.recognize([b"", b"", b""], Hints())


def test_bytes_in_flight_are_bounded(service_for: Callable[..., Service], shop: Shop, engine: FakeEngine) -> None:
    size = len(picture(1))
    service = service_for(Limits__BytesInFlight=2 * size)
    shop.publish()
    service.step()
    with pytest.raises(TooLargeError):
        service.plane.recognize([picture(1)] * 3, Hints())
    engine.reader("digits1.0").orders["gate"] = True
    asker = threading.Thread(target=service.plane.recognize, args=([picture(1)] * 2, Hints()))
    asker.start()
    eventually(lambda: engine.reader("digits1.0").running == 1)
    with pytest.raises(OverloadedError):
        service.ask()
    engine.gate.set()
    asker.join(10)
    assert service.ask().text == "digits1.0-1"


def test_a_full_queue_is_refused_before_any_decoding(
    service_for: Callable[..., Service], shop: Shop, engine: FakeEngine
) -> None:
    service = service_for(Batching__Queue=2, Limits__PicturesPerRequest=2)
    shop.publish()
    shop.publish("other", size=(9, 4))
    service.step()
    engine.reader("digits1.0").orders["gate"] = True
    askers = [threading.Thread(target=service.ask) for _ in range(3)]
    askers[0].start()
    eventually(lambda: engine.reader("digits1.0").running == 1)
    for asker in askers[1:]:
        asker.start()
    with pytest.raises(OverloadedError):
        eventually(lambda: bool(service.plane.recognize([b"no picture"], Hints(name="digits"))) and False)
    assert service.ask(size=(9, 4)).model == "other"  # a flooded model does not starve another
    engine.gate.set()
    for asker in askers:
        asker.join(10)


def test_a_request_for_two_models_is_queued_at_both_or_at_none(
    service_for: Callable[..., Service], shop: Shop, engine: FakeEngine
) -> None:
    service = service_for(Batching__Queue=2, Limits__PicturesPerRequest=2)
    shop.publish()
    shop.publish("other", size=(9, 4))
    service.step()
    readers = [engine.reader("digits1.0"), engine.reader("other1.0")]
    for reader in readers:
        reader.orders["gate"] = True
    sizes = [(8, 4), (9, 4), (8, 4), (8, 4)]  # one runs at each model, and two more fill the queue of the first
    askers = [threading.Thread(target=service.ask, args=(1, size)) for size in sizes]
    for asker in askers[:2]:
        asker.start()
    eventually(lambda: [reader.running for reader in readers] == [1, 1])
    for asker in askers[2:]:
        asker.start()
    sessions = {route.target.name: route.target for route in service.lifecycle._pool.routes.all}
    eventually(lambda: sessions["digits"].batcher.room <= 0)
    for _ in range(3):  # what stayed at the other model would fill its queue
        with pytest.raises(OverloadedError):
            service.plane.recognize([picture(1, (9, 4)), picture(1)], Hints())
    assert sessions["other"].batcher.room > 0
    engine.gate.set()
    for asker in askers:
        asker.join(10)
    assert [session.leases for session in sessions.values()] == [0, 0]


def test_work_past_its_deadline_is_refused_and_not_run(service: Service, shop: Shop, engine: FakeEngine) -> None:
    # T10
    shop.publish()
    service.step()
    reader = engine.reader("digits1.0")
    runs = len(reader.batches)
    with pytest.raises(DeadlineError):
        service.plane.recognize([picture(1)], Hints(), deadline=time.monotonic() - 1)
    reader.orders["gate"] = True
    asker = threading.Thread(target=service.ask)
    asker.start()
    eventually(lambda: reader.running == 1)
    with pytest.raises(DeadlineError):
        service.plane.recognize([picture(1)] * 3, Hints(), deadline=time.monotonic() + 0.05)
    engine.gate.set()
    asker.join(10)
    assert len(reader.batches) == runs + 1
    eventually(lambda: service.lifecycle._pool.routes.all[0].target.leases == 0)


def test_an_error_belongs_to_one_request(service_for: Callable[..., Service], shop: Shop) -> None:
    service = service_for(Batching__MaxBatch=1, Batching__Workers=1)
    shop.publish(delay=0.1)
    service.step()
    errors = []
    for _ in range(2):  # one picture is read, and meanwhile the time of the other is over
        read, late = service.plane.recognize([picture(1)] * 2, Hints(), deadline=time.monotonic() + 0.05)
        assert read.error is None
        errors.append(late.error)
    assert [type(error) for error in errors] == [DeadlineError] * 2
    assert errors[0] is not errors[1]  # raised, it would keep all that it came through for good


def test_an_unknown_word_names_what_is_there(service: Service, shop: Shop) -> None:
    shop.publish()
    service.step()
    with pytest.raises(UnknownModelError, match="name 'letters'; there are: digits"):
        service.plane.recognize([picture(1)], Hints(name="letters"))


def test_draining_is_not_ready_and_still_answers(service: Service, shop: Shop) -> None:
    shop.publish()
    service.step()
    service.plane.drain()
    assert not service.plane.ready()
    assert service.ask().text == "digits1.0-1"


def test_upgrades_under_load_lose_nothing(service: Service, shop: Shop, engine: FakeEngine) -> None:
    # T1: each text belongs to the version that is named with it, and no asker sees a version older than its last.
    shop.publish(version="1.0", delay=0.002)
    service.step()
    done = threading.Event()
    seen: list[list[Answer]] = [[] for _ in range(8)]
    failures: list[Exception] = []

    def ask_on_and_on(answers: list[Answer]) -> None:
        try:
            while not done.is_set():
                answers.append(service.ask(gray=3))
        except Exception as error:  # noqa: BLE001 - any failure fails the test
            failures.append(error)

    askers = [threading.Thread(target=ask_on_and_on, args=(answers,)) for answers in seen]
    for asker in askers:
        asker.start()
    for number in range(2, 32):
        shop.publish(version=f"1.{number}", delay=0.002, bad=number % 5 == 0)
        service.step(2)
    done.set()
    for asker in askers:
        asker.join(10)
    service.step()
    assert failures == []
    for answers in seen:
        assert all(answer.text == f"digits{answer.version}-3" for answer in answers)
        versions = [version_key(answer.version) for answer in answers]
        assert versions == sorted(versions)
    assert len({answer.version for answers in seen for answer in answers}) > 10
    assert [reader.word for reader in engine.readers if not reader.closed] == ["digits1.31"]


def test_many_clients_make_batches(service: Service, shop: Shop, engine: FakeEngine) -> None:
    shop.publish(delay=0.005)
    service.step()
    reader = engine.reader("digits1.0")
    before = len(reader.batches)
    askers = [threading.Thread(target=lambda: [service.ask() for _ in range(10)]) for _ in range(16)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    batches = reader.batches[before:]
    assert sum(batches) == 160
    assert len(batches) < 80


def test_is_full_when_no_model_has_room(service_for: Callable[..., Service], shop: Shop) -> None:
    service = service_for(Batching__Queue=2, Limits__PicturesPerRequest=2)
    assert not service.plane.full(1000)  # without a model that is another error
    shop.publish()
    service.step()
    assert not service.plane.full(1)
    assert service.plane.full(2)  # that have come and will fill the queue of the only model
    shop.publish("other", size=(9, 4))
    service.step()
    assert not service.plane.full(1000)  # for whichever they are
    for route in service.lifecycle._pool.routes.all:
        route.target.batcher.reserve(2)
    assert service.plane.full(0)
