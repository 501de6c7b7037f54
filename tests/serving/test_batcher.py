import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from contract.pixels import Pixels
from engine.reading import Reading
from serving.batcher import Batcher
from serving.core_settings import BatchingSection
from serving.errors import DeadlineError, ModelFailedError, OverloadedError
from tests.serving.rig import eventually

SOON = 30.0  # seconds


class Model:
    """Reads the value of a pixel, one batch at a time as the gate lets it."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.batches: list[list[int]] = []
        self.chokes_on = -1

    def read(self, pixels: Pixels) -> Sequence[Reading]:
        values = [int(value) for value in pixels[:, 0, 0, 0]]
        self.batches.append(values)
        assert self.gate.acquire(timeout=SOON)
        if self.chokes_on in values:
            raise RuntimeError("choked")
        return [Reading(str(value), 1.0) for value in values]

    def open(self) -> None:
        self.gate.release(1000)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def batchers(model: Model) -> Iterator[list[Batcher]]:
    made: list[Batcher] = []
    yield made
    model.open()
    for batcher in made:
        batcher.close()


def pictures(*values: int) -> list[Pixels]:
    return [np.full((2, 3, 1), value, np.uint8) for value in values]


def texts(results: Sequence[object]) -> list[object]:
    return [result.text if isinstance(result, Reading) else type(result) for result in results]


def make(model: Model, batchers: list[Batcher], **settings: float) -> Batcher:
    batchers.append(Batcher(model.read, BatchingSection(**{"Workers": 1, **settings}), "digits"))
    return batchers[-1]


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


def test_what_waits_goes_into_one_batch_up_to_the_limit(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, MaxBatch=4)
    first = batcher.submit(pictures(0), later())
    eventually(lambda: model.batches == [[0]])
    rest = [batcher.submit(pictures(value), later()) for value in range(1, 7)]
    model.open()
    assert [texts(batcher.wait(ticket)) for ticket in [first, *rest]] == [[str(value)] for value in range(7)]
    assert model.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_request_larger_than_a_batch_is_answered_in_order(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, MaxBatch=3)
    model.open()
    ticket = batcher.submit(pictures(*range(10)), later())
    assert texts(batcher.wait(ticket)) == [str(value) for value in range(10)]
    assert [len(batch) for batch in model.batches] == [3, 3, 3, 1]


def test_a_full_queue_refuses_at_once_and_all_or_nothing(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, Queue=3)
    running = batcher.submit(pictures(0), later())
    eventually(lambda: model.batches == [[0]])
    waiting = batcher.submit(pictures(1, 2), later())
    assert batcher.room > 0
    with pytest.raises(OverloadedError, match="2 pictures are waiting for digits, of at most 3"):
        batcher.submit(pictures(3, 4), later())
    last = batcher.submit(pictures(5), later())
    assert batcher.room <= 0
    model.open()
    assert [texts(batcher.wait(ticket)) for ticket in [running, waiting, last]] == [["0"], ["1", "2"], ["5"]]


def test_room_that_is_kept_is_nobody_elses(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, Queue=3)
    batcher.reserve(2)
    with pytest.raises(OverloadedError):
        batcher.reserve(2)
    with pytest.raises(OverloadedError, match="2 pictures are waiting for digits, of at most 3"):
        batcher.submit(pictures(0, 1), later())
    batcher.reserve(1)
    assert batcher.room <= 0
    batcher.release(1)
    assert batcher.room > 0
    model.open()
    assert texts(batcher.wait(batcher.submit(pictures(2), later(), reserved=2))) == ["2"]
    assert texts(batcher.wait(batcher.submit(pictures(3, 4, 5), later()))) == ["3", "4", "5"]


def test_expired_work_is_not_run(model: Model, batchers: list[Batcher]) -> None:
    # T10
    batcher = make(model, batchers)
    running = batcher.submit(pictures(0), later())
    eventually(lambda: model.batches == [[0]])
    expired = batcher.submit(pictures(1, 2), later(0.02))
    assert texts(batcher.wait(expired)) == [DeadlineError, DeadlineError]
    model.open()
    assert texts(batcher.wait(running)) == ["0"]
    assert texts(batcher.wait(batcher.submit(pictures(3), later()))) == ["3"]
    assert model.batches == [[0], [3]]


def test_expired_work_is_not_run_even_if_nobody_waits_for_it_yet(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers)
    model.open()
    expired = batcher.submit(pictures(1), later(-1))
    assert texts(batcher.wait(batcher.submit(pictures(2), later()))) == ["2"]
    assert texts(batcher.wait(expired)) == [DeadlineError]
    assert model.batches == [[2]]


def test_work_that_has_been_started_is_finished_after_its_deadline(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers)
    ticket = batcher.submit(pictures(0), later(0.05))
    eventually(lambda: model.batches == [[0]])
    threading.Timer(0.1, model.open).start()
    assert texts(batcher.wait(ticket)) == ["0"]


def test_cancelled_work_is_not_run(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers)
    running = batcher.submit(pictures(0), later())
    eventually(lambda: model.batches == [[0]])
    batcher.cancel(batcher.submit(pictures(1), later()))
    model.open()
    batcher.wait(running)
    assert texts(batcher.wait(batcher.submit(pictures(2), later()))) == ["2"]
    assert model.batches == [[0], [2]]


def test_a_picture_that_breaks_the_model_fails_alone(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers)
    model.chokes_on = 2
    model.open()
    results = batcher.wait(batcher.submit(pictures(1, 2, 3), later()))
    assert texts(results) == ["1", ModelFailedError, "3"]
    assert texts(batcher.wait(batcher.submit(pictures(4), later()))) == ["4"]


def test_a_delay_collects_a_batch(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, MaxBatch=3, MaxDelayMs=1000.0)
    model.open()
    tickets = [batcher.submit(pictures(value), later()) for value in range(3)]
    assert [texts(batcher.wait(ticket)) for ticket in tickets] == [["0"], ["1"], ["2"]]
    assert model.batches == [[0, 1, 2]]


def test_several_workers_run_at_the_same_time(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, MaxBatch=1, Workers=2)
    tickets = [batcher.submit(pictures(value), later()) for value in range(3)]
    eventually(lambda: len(model.batches) == 2)
    model.open()
    assert [texts(batcher.wait(ticket)) for ticket in tickets] == [["0"], ["1"], ["2"]]


def test_one_request_keeps_several_workers_busy(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, MaxBatch=1, Workers=2)
    ticket = batcher.submit(pictures(0, 1, 2), later())
    eventually(lambda: len(model.batches) == 2)
    model.open()
    assert texts(batcher.wait(ticket)) == ["0", "1", "2"]


def test_closing_finishes_what_is_queued(model: Model, batchers: list[Batcher]) -> None:
    batcher = make(model, batchers, MaxBatch=1)
    tickets = [batcher.submit(pictures(value), later()) for value in range(3)]
    model.open()
    batcher.close()
    assert [texts(batcher.wait(ticket)) for ticket in tickets] == [["0"], ["1"], ["2"]]
    with pytest.raises(OverloadedError):
        batcher.submit(pictures(3), later())


def test_a_flooded_model_does_not_hold_up_another(batchers: list[Batcher]) -> None:
    flooded, quiet = Model(), Model()
    busy, free = make(flooded, batchers), make(quiet, batchers)
    tickets = [busy.submit(pictures(value), later()) for value in range(100)]
    quiet.open()
    assert texts(free.wait(free.submit(pictures(7), later()))) == ["7"]
    flooded.open()
    assert [texts(busy.wait(ticket)) for ticket in tickets] == [[str(value)] for value in range(100)]


def test_a_run_that_hangs_is_given_up(
    model: Model, batchers: list[Batcher], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("serving.batcher.HUNG_SECONDS", 0.05)
    monkeypatch.setattr("serving.batcher.CLOSING_SECONDS", 1e6)  # is not waited for
    batcher = make(model, batchers, MaxBatch=1)
    ticket = batcher.submit(pictures(0, 1), later(0.05))
    assert texts(batcher.wait(ticket)) == [ModelFailedError, DeadlineError]
    assert "digits hangs" in caplog.text
    assert not batcher.close()


def test_without_threads_there_is_no_batcher_and_none_of_its_threads_is_left(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def no_second(thread: threading.Thread) -> None:
        if thread.name == "scarce#1":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", no_second)
    with pytest.raises(RuntimeError, match="new thread"):
        Batcher(model.read, BatchingSection(Workers=2), "scarce")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scarce")]


def test_a_meter_that_fails_harms_no_run(model: Model, batchers: list[Batcher]) -> None:
    def count(_waits: Sequence[float], _seconds: float) -> None:
        raise RuntimeError("no more counting")

    batchers.append(Batcher(model.read, BatchingSection(), "digits", count))
    model.open()
    for value in range(3):
        assert texts(batchers[0].wait(batchers[0].submit(pictures(value), later()))) == [str(value)]


def test_the_worker_that_was_free_last_goes_on_first(batchers: list[Batcher]) -> None:
    threads: list[int] = []

    def read(pixels: Pixels) -> Sequence[Reading]:
        threads.append(threading.get_ident())
        return [Reading("", 1.0)] * len(pixels)

    batcher = Batcher(read, BatchingSection(Workers=3), "model 1.0")
    batchers.append(batcher)
    for _ in range(6):
        batcher.wait(batcher.submit(pictures(1), time.monotonic() + SOON))
        eventually(lambda: len(batcher._crew._free[False]) == 3)
    assert len(set(threads)) == 1
