import threading
from collections.abc import Generator

import pytest

from trainer.training.ahead import ahead


class Counting:
    """Makes numbers, and notes how many and whether it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error = count, error
        self.made = 0
        self.closed = threading.Event()

    def numbers(self) -> Generator[int, None, None]:
        try:
            for number in range(self.count):
                self.made += 1
                yield number
            if self.error:
                raise self.error
        finally:
            self.closed.set()


def test_everything_comes_in_order() -> None:
    assert list(ahead(Counting(50).numbers(), 3)) == list(range(50))


def test_an_error_comes_after_what_was_made_before_it() -> None:
    items = ahead(Counting(2, ValueError("no more")).numbers(), 5)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ValueError, match="no more"):
        next(items)


def test_not_more_than_asked_for_is_made_and_closing_ends_the_making() -> None:
    source = Counting(10**9)
    items = ahead(source.numbers(), 2)
    assert next(items) == 0
    items.close()
    assert source.closed.wait(20)
    assert source.made <= 5  # taken, two waiting, one in hand, and one made while the first was taken
