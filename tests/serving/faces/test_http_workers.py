import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from serving import turns
from serving.http.workers import Workers


class Job:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.done = threading.Event()
        self.cancelled = False
        self.answered_at = 0.0
        self.thread = ""

    def service(self) -> None:
        self.thread = threading.current_thread().name
        try:
            self.action()
        finally:
            self.done.set()

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2, "w")
    yield workers
    workers.stop(5)


def test_no_more_at_once_than_there_may_be(workers: Workers) -> None:
    gate = threading.Event()
    busy = [Job(lambda: assert_true(gate.wait(10))) for _ in range(2)]
    assert [workers.take(job, wait=False) for job in busy] == [True, True]
    assert not workers.take(Job(gate.wait), wait=False)
    late = Job(lambda: None)
    assert workers.take(late, wait=True)
    gate.set()
    assert late.done.wait(10)


def test_threads_are_used_again(workers: Workers) -> None:
    names = set()
    for _ in range(50):
        job = Job(lambda: None)
        assert workers.take(job, wait=True)
        assert job.done.wait(10)
        names.add(job.thread)
    assert names <= {"w-0", "w-1"}


def test_the_next_request_of_a_connection_needs_no_free_thread(workers: Workers) -> None:
    following = [Job(lambda: None) for _ in range(2)]
    taken = []
    both = threading.Barrier(2)

    def go_on(number: int) -> None:
        both.wait(10)
        taken.append(workers.take(following[number], wait=False))
        both.wait(10)

    for number in range(2):
        assert workers.take(Job(lambda number=number: go_on(number)), wait=False)
    assert all(job.done.wait(10) for job in following)
    assert taken == [True, True]


def test_one_connection_with_request_after_request_keeps_no_other_waiting() -> None:
    workers = Workers(1, "w")
    other = Job(lambda: None)
    behind = []

    def go_on() -> None:
        behind.append(1)
        if not other.done.is_set() and len(behind) < 1000:
            workers.take(Job(go_on), wait=True)
            if len(behind) == 1:
                workers.take(other, wait=True)

    workers.take(Job(go_on), wait=True)
    assert other.done.wait(10)
    assert len(behind) < 5
    workers.stop(10)


def test_a_thread_that_the_system_refuses_is_asked_for_again(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            workers.take(Job(lambda: None), wait=True)
    assert workers.take(Job(lambda: assert_true(gate.wait(10))), wait=False)
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        assert not workers.take(Job(lambda: None), wait=False)
    assert "no new thread" in caplog.text
    second = Job(lambda: None)
    assert workers.take(second, wait=False)
    assert second.done.wait(10)
    gate.set()


def refuse(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_defect_does_not_end_the_thread(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    for _ in range(5):
        assert workers.take(Job(break_down), wait=True)
    good = Job(lambda: None)
    assert workers.take(good, wait=True)
    assert good.done.wait(10)
    assert "could not be answered" in caplog.text


def test_stopping_forgets_what_waits() -> None:
    workers = Workers(1, "w")
    gate = threading.Event()
    busy, waiting = Job(lambda: assert_true(gate.wait(10))), Job(lambda: None)
    assert workers.take(busy, wait=True)
    assert workers.take(waiting, wait=True)
    workers.stop(0)
    assert waiting.cancelled
    assert not workers.take(Job(lambda: None), wait=False)
    gate.set()
    workers.stop(10)
    assert busy.done.is_set()
    assert not waiting.done.is_set()


def assert_true(value: bool) -> None:
    assert value


def test_a_few_work_at_once_and_those_that_wait_for_a_model_do_not_count() -> None:
    workers = Workers(8, "w", at_once=2)
    gates = {name: threading.Event() for name in ("model", "work")}
    working = threading.Semaphore(0)

    def wait_for_a_model() -> None:
        turns.here().leave()
        assert gates["model"].wait(10)

    def work() -> None:
        working.release()
        assert gates["work"].wait(10)

    waiting = [Job(wait_for_a_model) for _ in range(3)]
    busy = [Job(work) for _ in range(3)]
    assert all(workers.take(job, wait=False) for job in [*waiting, *busy])
    assert all(working.acquire(timeout=10) for _ in range(2))
    assert not working.acquire(timeout=0.05)  # the third has no turn, although there are threads
    gates["model"].set()
    assert all(job.done.wait(10) for job in waiting)
    gates["work"].set()
    assert all(job.done.wait(10) for job in busy)
    workers.stop(10)


def test_tasks_that_have_no_turn_count_as_in_hand() -> None:
    workers = Workers(3, "w", at_once=1)
    gate = threading.Event()
    jobs = [Job(lambda: assert_true(gate.wait(10))) for _ in range(4)]
    assert [workers.take(job, wait=False) for job in jobs] == [True, True, True, False]
    gate.set()
    assert all(job.done.wait(10) for job in jobs[:3])
    workers.stop(10)


def test_whose_last_answer_is_longest_ago_comes_first() -> None:
    workers = Workers(40, "w", at_once=1)
    gate, order = threading.Event(), list[int]()
    workers.take(Job(lambda: assert_true(gate.wait(10))), wait=False)
    moments = random.Random(0).sample(range(30), 30)
    jobs = [Job(lambda moment=moment: order.append(moment)) for moment in moments]
    for job, moment in zip(jobs, moments, strict=True):
        job.answered_at = moment
        assert workers.take(job, wait=False)
    gate.set()
    assert all(job.done.wait(10) for job in jobs)
    workers.stop(10)
    assert order == sorted(order)


class Call:
    """Waits as a request waits for a model, and notes how many are awake at once when it comes back."""

    awake = 0
    most = 0
    lock = threading.Lock()

    def __init__(self) -> None:
        self.result = threading.Semaphore(0)
        self.left = threading.Event()
        self.patience = 10.0

    def __call__(self) -> None:
        self.seat = turns.here()
        self.seat.leave()
        self.left.set()
        self.result.acquire(timeout=self.patience)
        with Call.lock:
            Call.awake += 1
            Call.most = max(Call.most, Call.awake)
        time.sleep(0.005)
        with Call.lock:
            Call.awake -= 1

    def ready(self) -> None:
        self.seat.come_back(self.result.release)


def test_those_that_waited_for_a_batch_come_back_one_after_the_other() -> None:
    workers = Workers(20, "w", at_once=1)
    Call.most = 0
    calls = [Call() for _ in range(10)]
    jobs = [Job(call) for call in calls]
    assert all(workers.take(job, wait=False) for job in jobs)
    assert all(call.left.wait(10) for call in calls)
    for call in calls:
        call.ready()
    assert all(job.done.wait(10) for job in jobs)
    assert Call.most == 1
    workers.stop(10)


def test_a_task_without_a_thread_holds_up_none_of_those_that_have_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers(3, "w", at_once=1)
    gate, began = threading.Event(), threading.Event()
    answered, busy = Call(), Call()

    def work_and_wait() -> None:
        began.set()
        assert gate.wait(10)
        busy()

    jobs = [Job(answered), Job(work_and_wait)]
    assert workers.take(jobs[0], wait=False)
    assert answered.left.wait(10)
    assert workers.take(jobs[1], wait=False)
    assert began.wait(10)
    older = Job(lambda: None)
    older.answered_at = -1.0
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        assert workers.take(older, wait=False)
        answered.ready()
        gate.set()
        assert jobs[0].done.wait(5)  # well before it gives up waiting
    busy.ready()
    assert jobs[1].done.wait(10)
    assert older.done.wait(10)
    workers.stop(10)


def test_a_result_that_comes_when_nobody_waits_any_more_takes_no_turn() -> None:
    workers = Workers(2, "w", at_once=1)
    call = Call()
    call.patience = 0.01
    late = Job(call)
    assert workers.take(late, wait=False)
    assert late.done.wait(10)
    for _ in range(3):
        call.ready()
        after = Job(lambda: None)
        assert workers.take(after, wait=False)
        assert after.done.wait(10)
    workers.stop(10)


def test_a_result_that_is_there_before_the_wait_is_not_waited_for() -> None:
    workers = Workers(2, "w", at_once=1)
    woken = threading.Event()
    job = Job(lambda: turns.here().come_back(woken.set))
    assert workers.take(job, wait=False)
    assert woken.wait(10)
    assert job.done.wait(10)
    workers.stop(10)


def test_stopping_wakes_those_that_wait_for_a_turn() -> None:
    workers = Workers(3, "w", at_once=1)
    gate, call = threading.Event(), Call()
    waiting = Job(call)
    assert workers.take(waiting, wait=False)
    assert call.left.wait(10)
    busy = Job(lambda: assert_true(gate.wait(10)))
    assert workers.take(busy, wait=False)
    call.ready()
    assert not waiting.done.wait(0.05)
    workers.stop(0)
    assert waiting.done.wait(10)
    gate.set()
    workers.stop(10)
