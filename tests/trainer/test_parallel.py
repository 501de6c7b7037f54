import functools
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from trainer import parallel
from trainer.errors import TrainerError


def squares_and_process(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return [(number * number, os.getpid()) for number in numbers]


def fail_at_five(numbers: Sequence[int]) -> list[int]:
    if 5 in numbers:
        raise ValueError("five")
    return list(numbers)


def busy_until_released(numbers: Sequence[int], *, here: int, release: Path, releases: int) -> list[int]:
    """Return process by number; a worker is at its first numbers until the other process comes to `releases`."""
    if releases in numbers and os.getpid() == here:
        release.touch()
    deadline = time.monotonic() + 60
    while os.getpid() != here and not release.exists():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return [os.getpid() for _ in numbers]


@pytest.fixture
def tiny_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORTH_SECONDS", -1)
    monkeypatch.setattr(parallel, "CHUNK", 2)


@pytest.mark.usefixtures("tiny_chunks")
def test_this_process_and_a_worker_share_the_work_and_keep_the_order() -> None:
    results = [item for chunk in parallel.in_order(squares_and_process, range(31), workers=2) for item in chunk]
    assert [square for square, _ in results] == [number * number for number in range(31)]
    processes = {process for _, process in results}
    assert len(processes) == 2
    assert os.getpid() in processes


def test_little_work_is_done_here() -> None:
    results = [item for chunk in parallel.in_order(squares_and_process, range(9), workers=4) for item in chunk]
    assert {process for _, process in results} == {os.getpid()}


def ended_from_outside(numbers: Sequence[int], *, here: int) -> list[int]:
    if os.getpid() != here:
        os._exit(9)
    time.sleep(0.01)  # so that there is work left when it is noticed
    return list(numbers)


@pytest.mark.usefixtures("tiny_chunks")
def test_a_worker_that_is_ended_is_a_sentence() -> None:
    work = functools.partial(ended_from_outside, here=os.getpid())
    with pytest.raises(TrainerError, match="ended from outside, perhaps for want of memory"):
        list(parallel.in_order(work, range(1000), workers=2))


@pytest.mark.usefixtures("tiny_chunks")
def test_an_error_of_a_worker_is_raised_here() -> None:
    with pytest.raises(ValueError, match="five"):
        list(parallel.in_order(fail_at_five, range(20), workers=2))


@pytest.mark.usefixtures("tiny_chunks")
def test_at_the_end_what_waits_for_busy_workers_is_done_here(tmp_path: Path) -> None:
    last_given_away = 2 * parallel.AHEAD  # the first two numbers are done here before there are workers
    work = functools.partial(
        busy_until_released, here=os.getpid(), release=tmp_path / "released", releases=last_given_away
    )
    results = [item for chunk in parallel.in_order(work, range(2 * parallel.AHEAD + 4), workers=2) for item in chunk]
    assert results[last_given_away] == os.getpid()
    assert results[2] != os.getpid()


@pytest.mark.usefixtures("tiny_chunks")
def test_stopping_early_ends_the_workers() -> None:
    results = parallel.in_order(squares_and_process, range(1000), workers=2)
    assert next(results)
    results.close()  # type: ignore[attr-defined] # a generator
    assert next(results, None) is None


def test_nothing_to_do_is_done() -> None:
    assert list(parallel.in_order(squares_and_process, [], workers=2)) == []


def test_the_setting_decides_how_many_workers() -> None:
    assert parallel.worker_count(3) == 3
    assert parallel.worker_count(None) >= 1
