import os
from collections.abc import Sequence

import pytest

from trainer import parallel


def squares_and_process(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return [(number * number, os.getpid()) for number in numbers]


def fail_at_five(numbers: Sequence[int]) -> list[int]:
    if 5 in numbers:
        raise ValueError("five")
    return list(numbers)


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


@pytest.mark.usefixtures("tiny_chunks")
def test_an_error_of_a_worker_is_raised_here() -> None:
    with pytest.raises(ValueError, match="five"):
        list(parallel.in_order(fail_at_five, range(20), workers=2))


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
