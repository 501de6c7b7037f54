"""T12: an operator who changes his mind at random, new versions at random, and traffic all the while."""

import random
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from serving.administration import Administration
from serving.errors import NotReadyError, UnknownModelError
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually

NAMES = {"a": (8, 4), "b": (9, 4), "c": (10, 4)}


class Traffic(threading.Thread):
    """Asks every model in turn, and keeps what must never be."""

    def __init__(self, service: Service, stop: threading.Event) -> None:
        super().__init__()
        self._service = service
        self._stop_asking = stop
        self.answers = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._stop_asking.is_set():
            for name, size in NAMES.items():
                try:
                    answer = self._service.ask(3, size, name=name)
                except (NotReadyError, UnknownModelError):
                    continue  # unloaded at this moment, as it was wanted
                except Exception as error:  # noqa: BLE001 - any other is what this test looks for
                    self.wrong.append(repr(error))
                    continue
                self.answers += 1
                if answer.model != name or answer.text != f"{name}{answer.version}-3":
                    self.wrong.append(f"{name}: {answer}")


@pytest.mark.parametrize("rounds", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_nothing_breaks_and_the_last_word_counts(shop: Shop, engine: FakeEngine, rounds: int) -> None:
    rng = random.Random(rounds)
    service = Service(shop, engine, time.monotonic, Folders__ScanSeconds=0.01, Models__Keep=1)
    operator = Administration(service.lifecycle)
    for name, size in NAMES.items():
        shop.publish(name, "1.0", size=size)
    service.lifecycle.start()
    eventually(lambda: len(service.plane.queues()) == len(NAMES))
    stop = threading.Event()
    traffic = [Traffic(service, stop) for _ in range(8)]
    for asker in traffic:
        asker.start()
    latest = dict.fromkeys(NAMES, "1.0")
    try:
        for number in range(rounds):
            change(rng, operator, shop, latest, number)
            check_routes(service)
        for name in NAMES:
            operator.load(name)
            operator.unpin(name)
        eventually(lambda: {q.name: q.version for q in service.plane.queues()} == latest, 30)
    finally:
        stop.set()
        for asker in traffic:
            asker.join(20)
        service.lifecycle.stop(20)
    assert [wrong for asker in traffic for wrong in asker.wrong] == []
    assert sum(asker.answers for asker in traffic) > 0


def change(rng: random.Random, operator: Administration, shop: Shop, latest: dict[str, str], number: int) -> None:
    name = rng.choice(sorted(NAMES))

    def publish() -> None:
        latest[name] = f"1.{number + 1}"
        shop.publish(name, latest[name], size=NAMES[name])

    changes: list[Callable[[], object]] = [
        publish,
        lambda: operator.load(name),
        lambda: operator.unload(name),
        lambda: operator.pin(name, latest[name]),
        lambda: operator.unpin(name),
        lambda: operator.rollback(name),
    ]
    try:
        rng.choice(changes)()
    except UnknownModelError:
        return  # there is no such version at this moment: refused, which is an answer


def check_routes(service: Service) -> None:
    """Each route leads to the version that it names, open and ready to read; none to one that was taken away."""
    pool = service.lifecycle._pool
    for route in pool.routes.all:
        session, model = route.target, route.spec.Model
        assert (session.name, session.version) == (model.ModelName, model.Version)
        if not session.lease():  # taken away since: then nobody is sent there any more
            assert route not in pool.routes.all
            continue
        try:
            assert not session._reader.closed
            pixels = np.full((model.ImageHeight, model.ImageWidth, 1), 3, np.uint8)
            ticket = session.batcher.submit([pixels], time.monotonic() + 20)
            (result,) = session.batcher.wait(ticket)
            assert result.text == f"{model.ModelName}{model.Version}-3"
        finally:
            session.give_back()
