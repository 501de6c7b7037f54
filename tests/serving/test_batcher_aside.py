"""Runs in spare time, with the threads of a batcher: nothing is lost, whether they get time or not."""

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from contract.pixels import Pixels
from engine.reading import Reading, Reads
from serving import batcher as batchers
from serving.batcher import Batcher
from serving.core_settings import BatchingSection
from serving.spare import Aside, SpareTime
from tests.serving.rig import eventually


class Lane:
    """One way to read; closed, it lets nothing through."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()

    def read(self, pixels: Pixels) -> Sequence[Reading]:
        values = [int(value) for value in pixels[:, 0, 0, 0]]
        self.runs.append(values)
        assert self.open.wait(30)
        return [Reading(f"{self.name} {value}", 1.0) for value in values]


@pytest.fixture
def usual() -> Lane:
    return Lane("usual")


@pytest.fixture
def aside() -> Lane:
    return Lane("aside")


@pytest.fixture
def batcher(usual: Lane, aside: Lane) -> Iterator[Batcher]:
    settings = BatchingSection(Workers=2)
    made = Batcher(usual.read, settings, "digits", aside=Aside(aside.read, SpareTime(), "digits"))
    ask(made, 0)  # so that it is known how long a run takes
    yield made
    usual.open.set()
    aside.open.set()
    assert made.close()


class Asked:
    """A request on a thread of its own."""

    def __init__(self, batcher: Batcher, value: int, seconds: float = 30.0) -> None:
        self.answers: list[str] = []
        ticket = batcher.submit([np.full((2, 3, 1), value, np.uint8)], time.monotonic() + seconds)

        def wait() -> None:
            self.answers += [getattr(result, "text", "") or type(result).__name__ for result in batcher.wait(ticket)]

        self.thread = threading.Thread(target=wait)
        self.thread.start()

    def answer(self) -> str:
        self.thread.join(20)
        return self.answers[0]


def ask(batcher: Batcher, value: int) -> str:
    return Asked(batcher, value).answer()


def test_one_at_a_time_is_a_usual_run(batcher: Batcher, aside: Lane) -> None:
    assert [ask(batcher, value) for value in range(1, 5)] == [f"usual {value}" for value in range(1, 5)]
    assert not aside.runs


def test_what_comes_beside_a_usual_run_is_read_in_spare_time(batcher: Batcher, usual: Lane) -> None:
    usual.open.clear()
    first = Asked(batcher, 1)
    eventually(lambda: usual.runs[-1] == [1])
    assert ask(batcher, 2) == "aside 2"
    usual.open.set()
    assert first.answer() == "usual 1"


def test_a_run_in_spare_time_has_half_as_many_pictures_as_a_usual_one(
    batcher: Batcher, usual: Lane, aside: Lane
) -> None:
    usual.open.clear()
    asked = [Asked(batcher, 1)]
    eventually(lambda: usual.runs[-1] == [1])
    ticket = batcher.submit([np.full((2, 3, 1), value, np.uint8) for value in range(20)], time.monotonic() + 30)
    assert len(batcher.wait(ticket)) == 20
    assert max(map(len, aside.runs)) == 8
    usual.open.set()
    assert [one.answer() for one in asked] == ["usual 1"]


def test_a_run_that_gets_no_time_is_answered_by_a_usual_one_and_its_own_answers_are_nobodys(
    batcher: Batcher, usual: Lane, aside: Lane
) -> None:
    usual.open.clear()
    aside.open.clear()
    first = Asked(batcher, 1)
    eventually(lambda: usual.runs[-1] == [1])
    starved = Asked(batcher, 2)
    eventually(lambda: aside.runs == [[2]])
    usual.open.set()
    assert [first.answer(), starved.answer()] == ["usual 1", "usual 2"]
    aside.open.set()
    assert ask(batcher, 3) == "usual 3"


def test_while_a_starved_run_is_still_there_usual_runs_have_all_places(
    batcher: Batcher, usual: Lane, aside: Lane
) -> None:
    usual.open.clear()
    aside.open.clear()
    asked = [Asked(batcher, 1)]
    eventually(lambda: usual.runs[-1] == [1])
    asked.append(Asked(batcher, 2))
    eventually(lambda: [2] in usual.runs)
    assert [2] in aside.runs
    usual.open.set()
    assert [one.answer() for one in asked] == ["usual 1", "usual 2"]


def test_a_starved_request_is_answered_behind_its_deadline_too(batcher: Batcher, usual: Lane, aside: Lane) -> None:
    usual.open.clear()
    aside.open.clear()
    first = Asked(batcher, 1)
    eventually(lambda: usual.runs[-1] == [1])
    starved = Asked(batcher, 2, seconds=0.02)
    eventually(lambda: aside.runs == [[2]])
    usual.open.set()
    assert first.answer() == "usual 1"
    assert starved.answer() in {"usual 2", "DeadlineError"}


def test_a_flood_whose_clients_have_gone_is_no_flood_any_more(usual: Lane, aside: Lane) -> None:
    spare_time = SpareTime()
    flooded = Batcher(
        usual.read, BatchingSection(Workers=2, MaxBatch=1), "plates", aside=Aside(aside.read, spare_time, "plates")
    )
    usual.open.clear()
    first = Asked(flooded, 1)
    eventually(lambda: usual.runs == [[1]])
    many = [np.zeros((2, 3, 1), np.uint8)] * 50
    waiting = [flooded.submit(many, time.monotonic() + 30) for _ in range(2)]
    eventually(lambda: not spare_time.there(time.monotonic(), "digits"))
    for ticket in waiting:
        flooded.cancel(ticket)
    usual.open.set()
    first.answer()
    eventually(lambda: spare_time.there(time.monotonic(), "digits"))
    assert flooded.close()


def test_a_flood_is_read_in_spare_time_while_another_model_is_asked_and_as_usual_when_it_ebbs(
    usual: Lane, aside: Lane
) -> None:
    def slow(lane: Lane) -> Reads:
        def read(pixels: Pixels) -> Sequence[Reading]:
            time.sleep(0.003)
            return lane.read(pixels)

        return read

    spare_time, queue = SpareTime(), 128
    settings = BatchingSection(Workers=2, MaxBatch=2)
    flooded = Batcher(slow(usual), settings, "plates", aside=Aside(slow(aside), spare_time, "plates"))
    ask(flooded, 0)
    usual.open.clear()
    first = Asked(flooded, 1)
    eventually(lambda: usual.runs == [[0], [1]])
    spare_time.note(time.monotonic(), "another", 0)
    flood = flooded.submit([np.full((2, 3, 1), value, np.uint8) for value in range(queue)], time.monotonic() + 30)
    usual.open.set()
    assert first.answer() == "usual 1"
    answers = [getattr(result, "text", "") for result in flooded.wait(flood)]
    assert [answer.split()[-1] for answer in answers] == [str(value) for value in range(queue)]
    first_usual = next(index for index, answer in enumerate(answers) if answer.startswith("usual"))
    assert queue // 3 < first_usual < queue
    assert flooded.close()


def test_closing_finishes_a_run_in_spare_time(batcher: Batcher, usual: Lane, aside: Lane) -> None:
    usual.open.clear()
    aside.open.clear()
    asked = [Asked(batcher, 1)]
    eventually(lambda: usual.runs[-1] == [1])
    asked.append(Asked(batcher, 2))
    eventually(lambda: bool(aside.runs))
    closing = threading.Thread(target=batcher.close)
    closing.start()
    usual.open.set()
    aside.open.set()
    closing.join(20)
    assert not closing.is_alive()
    assert [one.answer().split()[-1] for one in asked] == ["1", "2"]


def test_many_clients_at_once_get_their_own_answers_whatever_becomes_of_spare_time(
    usual: Lane, aside: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batchers, "LATE_SECONDS", 0.002)
    rng = np.random.default_rng(0)

    def soon(pixels: Pixels) -> Sequence[Reading]:
        time.sleep(0.002)
        return usual.read(pixels)

    def late(pixels: Pixels) -> Sequence[Reading]:
        time.sleep(float(rng.choice([0.002, 0.004, 0.1])))
        return aside.read(pixels)

    made = Batcher(soon, BatchingSection(Workers=2, MaxBatch=4), "digits", aside=Aside(late, SpareTime(), "digits"))
    wrong: list[str] = []

    def client(value: int) -> None:
        for _ in range(100):
            ticket = made.submit([np.full((2, 3, 1), value, np.uint8)], time.monotonic() + 30)
            (result,) = made.wait(ticket)
            if not (isinstance(result, Reading) and result.text.split()[-1] == str(value)):
                wrong.append(str(result))

    clients = [threading.Thread(target=client, args=[value]) for value in range(12)]
    for one in clients:
        one.start()
    for one in clients:
        one.join(60)
    assert not wrong
    assert made.close()
    assert aside.runs
