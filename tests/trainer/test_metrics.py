"""Metrics against brute force and published figures."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.metrics import by_length, edit_distance, lengths_sentence, score, wilson_interval

TEXTS = st.text("ab1", max_size=6)


@functools.cache
def brute_force_distance(left: str, right: str) -> int:
    """The definition of Levenshtein's distance, by recursion."""
    if not left or not right:
        return len(left) + len(right)
    replace = brute_force_distance(left[1:], right[1:]) + (left[0] != right[0])
    return min(replace, brute_force_distance(left[1:], right) + 1, brute_force_distance(left, right[1:]) + 1)


@given(TEXTS, TEXTS)
def test_edit_distance_is_that_of_the_definition(left: str, right: str) -> None:
    assert edit_distance(left, right) == brute_force_distance(left, right)


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, table I: Wilson without continuity correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(correct: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(correct, count) == pytest.approx((low, high), abs=5e-5)


def test_all_and_none_are_bounds_of_their_intervals() -> None:
    assert all(wilson_interval(count, count)[1] == 1.0 for count in range(1, 2000))
    assert all(wilson_interval(0, count)[0] == 0.0 for count in range(1, 2000))


def test_a_score_counts_every_picture() -> None:
    result = score(["0042", "7", "11", ""], ["0042", "1", "111", ""])
    assert (result.correct, result.pictures, result.accuracy) == (2, 4, 0.5)
    assert result.character_error_rate == pytest.approx(2 / 7)
    assert str(result).startswith("50.00% of 4 whole texts right (95 % interval 15.00% to 85.00%)")


def test_texts_and_labels_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        score(["1", "2"], ["1"])


def test_accuracy_by_length_covers_every_picture_once() -> None:
    scores = by_length(["12", "3", "45", "678"], ["12", "", "54", "678"])
    assert {length: (one.correct, one.pictures) for length, one in scores.items()} == {1: (0, 1), 2: (1, 2), 3: (1, 1)}
    assert lengths_sentence(scores) == "by length of the label: 1: 0.00% of 1, 2: 50.00% of 2, 3: 100.00% of 1"
