"""The beginning ends when symbols are known, once and for good."""

import math
from collections.abc import Sequence

import pytest

from trainer.training.beginning import STEPS, Beginning

GUESSING = 4 * math.log(10)


def after(losses: Sequence[float], symbols: int = 10, length: float = 4) -> Beginning:
    beginning = Beginning(symbols)
    for loss in losses:
        beginning.note(loss, length)
    return beginning


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([], False),
        ([GUESSING] * 100, False),
        ([0.2 * GUESSING] * 100, False),
        ([0.05 * GUESSING] * (STEPS - 1), False),  # too few to tell
        ([0.05 * GUESSING] * STEPS, True),
        ([GUESSING] * 50 + [0.05 * GUESSING] * STEPS, True),
        ([0.05 * GUESSING] * STEPS + [GUESSING] * 50, True),  # for good
        ([math.nan] * 100, False),
    ],
)
def test_it_is_over_when_symbols_are_known(losses: list[float], over: bool) -> None:
    assert after(losses).over is over


def test_how_well_symbols_must_be_known_is_chosen() -> None:
    beginning = Beginning(10, known=0.5)
    assert [beginning.note(0.4 * GUESSING, 4) for _ in range(STEPS)] == [False] * (STEPS - 1) + [True]


@pytest.mark.parametrize(("loss", "over"), [(0.05 * GUESSING, True), (0.2 * GUESSING, False), (math.nan, False)])
def test_what_is_known_before_the_first_step_need_not_be_found_out(loss: float, over: bool) -> None:
    beginning = Beginning(10)
    assert beginning.skip_if_known(loss, 4) is over
    assert not Beginning(10).skip_if_known(loss, 0)


def test_one_symbol_or_no_text_leaves_nothing_to_find_out() -> None:
    assert after([], symbols=1).over
    assert not after([1.0] * 100, length=0).over


@pytest.mark.parametrize("losses", [[], [GUESSING] * 3, [0.05 * GUESSING] * (STEPS - 1), [0.05 * GUESSING] * STEPS])
def test_it_goes_on_from_its_state(losses: list[float]) -> None:
    one, other = after(losses), Beginning(10)
    other.restore(one.state())
    for loss in [0.05 * GUESSING, GUESSING]:
        one.note(loss, 4)
        other.note(loss, 4)
        assert one.over is other.over
