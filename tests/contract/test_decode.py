"""Scores to text, against an enumeration of every alignment."""

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from contract.charset import Charset
from contract.decode import Symbol, ctc_greedy, fixed_best, label_probabilities, read, softmax

Array = npt.NDArray[Any]
LETTERS = "abcdefgh"

sizes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(2, 4))
scores = sizes.flatmap(lambda size: hnp.arrays(np.float32, size, elements=st.floats(-9, 9, width=32)))


def charset(classes: int) -> Charset:
    return Charset(tuple(LETTERS[: classes - 1]))


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != 0)


def enumerated(logits: Array) -> dict[tuple[int, ...], float]:
    """The probability of every label of one picture: the sum over all paths that collapse to it."""
    exponentials = [[math.exp(score) for score in frame] for frame in logits.tolist()]
    frames = [[value / sum(frame) for value in frame] for frame in exponentials]
    result: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(logits.shape[1]), repeat=len(frames)):
        result[collapse(path)] += math.prod(frame[index] for frame, index in zip(frames, path, strict=True))
    return result


def spelling(*frames: str, sure: float = 20.0) -> Array:
    """Logits [1, T, 9] that spell one symbol or a blank (-) per frame."""
    logits = np.zeros((1, len(frames), len(LETTERS) + 1), np.float32)
    for frame, symbol in enumerate(frames):
        logits[0, frame, LETTERS.index(symbol) + 1 if symbol != "-" else 0] = sure
    return logits


@given(scores)
def test_every_label_has_the_probability_of_its_alignments(logits: Array) -> None:
    for row in logits:
        expected = enumerated(row)
        found = label_probabilities(np.repeat(softmax(row[np.newaxis]), len(expected), axis=0), list(expected))
        assert found == pytest.approx(list(expected.values()), rel=1e-5, abs=1e-12)
        assert found.sum() == pytest.approx(1)


@given(scores)
def test_greedy_reads_the_best_path(logits: Array) -> None:
    known = charset(logits.shape[2])
    for row, decoded in zip(logits, ctc_greedy(logits, known), strict=True):
        path = tuple(max(range(len(frame)), key=frame.__getitem__) for frame in row.tolist())
        assert decoded.text == known.decode(collapse(path))
        assert decoded.confidence == pytest.approx(enumerated(row)[collapse(path)], rel=1e-5)
        assert 0 <= decoded.confidence <= 1


@given(scores)
def test_each_symbol_has_the_peak_of_its_run_of_frames(logits: Array) -> None:
    decoded_rows = ctc_greedy(logits, charset(logits.shape[2]))
    for row, frames, decoded in zip(logits.tolist(), softmax(logits).tolist(), decoded_rows, strict=True):
        best = [(frame.index(max(frame)), max(chances)) for frame, chances in zip(row, frames, strict=True)]
        runs = [(label, [peak for _, peak in run]) for label, run in itertools.groupby(best, key=lambda item: item[0])]
        expected = [Symbol(LETTERS[label - 1], max(peaks)) for label, peaks in runs if label]
        assert list(decoded.symbols) == expected


@given(scores)
def test_a_batch_reads_as_its_pictures_one_by_one(logits: Array) -> None:
    known = charset(logits.shape[2])
    for together, alone in zip(
        ctc_greedy(logits, known), (ctc_greedy(row[None], known)[0] for row in logits), strict=True
    ):
        assert together.text == alone.text
        assert together.confidence == pytest.approx(alone.confidence, rel=1e-9)
        assert together.symbols == alone.symbols


@pytest.mark.parametrize(
    ("frames", "text"),
    [("---", ""), ("aaa", "a"), ("a-a", "aa"), ("aab", "ab"), ("-a-b-", "ab"), ("hh-h", "hh"), ("abab", "abab")],
)
def test_runs_merge_and_blanks_part(frames: str, text: str) -> None:
    (decoded,) = ctc_greedy(spelling(*frames), charset(9))
    assert decoded.text == text
    assert "".join(symbol.text for symbol in decoded.symbols) == text
    assert decoded.confidence > 0.999


def test_an_empty_text_has_the_probability_of_all_blanks() -> None:
    (decoded,) = ctc_greedy(np.zeros((1, 3, 2), np.float32), charset(2))
    assert (decoded.text, decoded.symbols) == ("", ())
    assert decoded.confidence == pytest.approx(1 / 8)


def test_a_doubtful_symbol_is_the_doubtful_one() -> None:
    logits = spelling("a", "-", "b")
    logits[0, 2, 3] = 19.5
    (decoded,) = ctc_greedy(logits, charset(9))
    assert decoded.symbols[0].confidence > 0.99
    assert 0.5 < decoded.symbols[1].confidence < 0.7


def test_a_label_that_does_not_fit_is_impossible() -> None:
    probabilities = softmax(np.zeros((3, 2, 3), np.float32))
    assert label_probabilities(probabilities, [(1, 1), (1, 2, 1), (1, 2)]).tolist() == [0, 0, pytest.approx(1 / 9)]


def test_no_picture_gives_no_text() -> None:
    assert ctc_greedy(np.zeros((0, 5, 4), np.float32), charset(4)) == []


@pytest.mark.parametrize("score", [1e4, -1e4, float("-inf")])
def test_extreme_scores_stay_probabilities(score: float) -> None:
    logits = np.zeros((1, 4, 3), np.float32)
    logits[0, 1, 1] = score
    (decoded,) = ctc_greedy(logits, charset(3))
    assert 0 <= decoded.confidence <= 1


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(score: float) -> None:
    logits = np.zeros((2, 4, 3), np.float32)
    logits[1, 2, 1] = score
    with pytest.raises(ValueError, match="weights are damaged"):
        ctc_greedy(logits, charset(3))


@given(scores)
def test_a_fixed_head_reads_the_best_class_of_each_position(logits: Array) -> None:
    known = charset(logits.shape[2])
    for row, decoded in zip(logits, fixed_best(logits, known), strict=True):
        exponentials = [[math.exp(score) for score in position] for position in row.tolist()]
        best = [max(range(len(position)), key=position.__getitem__) for position in row.tolist()]
        shares = [scores[index] / sum(scores) for scores, index in zip(exponentials, best, strict=True)]
        assert decoded.text == "".join(LETTERS[index - 1] for index in best if index)
        assert decoded.confidence == pytest.approx(math.prod(shares), rel=1e-5)
        found = [(symbol.text, symbol.confidence) for symbol in decoded.symbols]
        expected = [(LETTERS[i - 1], pytest.approx(p, rel=1e-5)) for i, p in zip(best, shares, strict=True) if i]
        assert found == expected


@pytest.mark.parametrize(
    ("positions", "text"), [("abcd", "abcd"), ("aab-", "aab"), ("----", ""), ("a-b-", "ab"), ("-ab-", "ab")]
)
def test_padding_is_left_out_and_equal_neighbours_stay(positions: str, text: str) -> None:
    (decoded,) = fixed_best(spelling(*positions), charset(9))
    assert decoded.text == "".join(symbol.text for symbol in decoded.symbols) == text
    assert decoded.confidence > 0.999


def test_the_head_decides_how_scores_are_read() -> None:
    scores = spelling("a", "a", "-", "b")
    assert [read(scores, charset(9), head)[0].text for head in ("ctc", "fixed")] == ["ab", "aab"]


def test_scores_of_a_fixed_head_that_are_no_numbers_are_an_error() -> None:
    logits = np.zeros((2, 4, 3), np.float32)
    logits[1, 2, 1] = np.nan
    with pytest.raises(ValueError, match="weights are damaged"):
        fixed_best(logits, charset(3))
    assert fixed_best(logits[:0], charset(3)) == []
