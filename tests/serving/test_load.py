import itertools
import math
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.load.run import Picture, run
from serving.load.samples import Sample, arrivals, over_time, percentile, summary
from serving.load.senders import Outcome, Sender, worked_of


def test_arrivals_come_at_the_rate_and_do_not_depend_on_each_other() -> None:
    due = arrivals(200.0, 50.0, seed=3)
    assert len(due) == pytest.approx(10_000, rel=0.05)
    assert due == sorted(due) == arrivals(200.0, 50.0, seed=3)
    assert due[0] > 0
    assert due[-1] < 50
    gaps = [later - earlier for earlier, later in itertools.pairwise(due)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert spread == pytest.approx(mean, rel=0.1)  # as for a Poisson process, and for no regular one


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200), st.floats(0, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100
    assert sum(value < found for value in values) <= len(values) * percent / 100


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(percentile([], 50))


def test_times_count_from_when_a_request_was_due() -> None:
    samples = [
        Sample(0, due=0.0, sent=0.0, done=0.010, text="a", worked=0.004, right=True),
        Sample(1, due=0.1, sent=0.3, done=0.310, text="b", right=False),
        Sample(2, due=0.2, sent=0.2, done=0.201, error="HTTP 503"),
    ]
    found = summary(samples, 1.0)
    assert found["total_ms"] == {"p50": 10.0, "p90": 210.0, "p95": 210.0, "p99": 210.0, "mean": 110.0, "max": 210.0}
    request = found["request_ms"]
    assert isinstance(request, dict)
    assert request["max"] == 6.0
    assert samples[1].reply == pytest.approx(0.01)
    assert found["errors"] == {"HTTP 503": 1}
    assert (found["requests"], found["answered"], found["accuracy"]) == (3, 2, 0.5)


def test_slots_of_time() -> None:
    samples = [Sample(number, due=number / 2, sent=0, done=number / 2 + number) for number in range(4)]
    slots = over_time(samples, 1.0)
    assert list(slots) == [0.0, 1.0]
    assert [slots[0.0][0], slots[1.0][0], slots[1.0][-1]] == [0, 2, 3]


class Slow:
    """A sender that answers when it is told to."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def send(self, picture: bytes) -> Outcome:
        if picture == b"wait":
            assert self.gate.wait(10)
            time.sleep(0.05)
        else:
            self.gate.set()
        return Outcome(picture.decode())

    def close(self) -> None:
        pass


def test_a_slow_answer_holds_up_no_other_request() -> None:
    gate = threading.Event()
    connect: list[Callable[[], Sender]] = [lambda: Slow(gate)] * 2
    samples = run([0.0, 0.01], [Picture(b"wait", "wait"), Picture(b"go", "stop")], connect)
    assert [(sample.text, sample.right) for sample in samples] == [("wait", True), ("go", False)]
    assert samples[0].done > samples[1].done


def test_what_waits_for_a_worker_is_late() -> None:
    gate = threading.Event()
    gate.set()
    (first, second) = run([0.0, 0.0], [Picture(b"wait")], [lambda: Slow(gate)])
    assert second.sent >= first.done
    assert second.total > second.reply
    assert second.right is None


def test_the_caller_never_waits_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    join = threading.Thread.join

    def bounded(thread: threading.Thread, timeout: float | None = None) -> None:
        assert timeout is not None  # else nobody could stop it on Windows
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", bounded)
    assert len(run([0.0], [Picture(b"go")], [lambda: Slow(threading.Event())])) == 1


@pytest.mark.parametrize(
    ("timing", "seconds"), [("app;dur=12.5", 0.0125), ("db;dur=1, app;dur=2", 0.002), ("", None), ("app", None)]
)
def test_worked_of(timing: str, seconds: float | None) -> None:
    assert worked_of(timing) == seconds
