"""Feeding and reading graphs of every layout, against ours and against tables."""

from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from contract.charset import Charset
from contract.decode import ctc_greedy, dense
from contract.image import pretreat
from contract.layout import LAYOUTS, Layout
from contract.pretreatment import Pretreatment
from contract.spec import LayoutName

Array = npt.NDArray[Any]
ABC = Charset(("a", "b", "c"))
CTC = ["captcha-trainer-v1", "captcha-trainer-v2"]
FOREIGN = [*CTC, "captcha-trainer-v2-fixed"]


def layout(name: str) -> Layout:
    return {str(known): described for known, described in LAYOUTS.items()}[name]


def foreign(logits: Array) -> Array:
    """Our logits [N, T, K] as those graphs have them: [T, N, K + 2], an empty class first, an unused one, the blank."""
    never = np.full((*logits.shape[:2], 1), -60, np.float32)
    return np.concatenate([never, logits[:, :, 1:], never, logits[:, :, :1]], axis=2).transpose(1, 0, 2)


def test_every_layout_of_the_spec_is_described() -> None:
    assert list(LAYOUTS) == list(get_args(LayoutName))


def test_ours_takes_pixels_as_they_are() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, 5, 1), dtype=np.uint8)
    assert np.array_equal(layout("nhwc-uint8").feed(pixels), pixels)
    assert layout("nhwc-uint8").input_shape((5, 3), 1) == (3, 5, 1)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("channels", [1, 3])
def test_theirs_takes_columns_of_fractions(name: str, channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, 5, channels), dtype=np.uint8)
    fed = layout(name).feed(pixels)
    assert fed.dtype == np.float32
    assert fed.flags.c_contiguous
    assert fed.shape == (2, *layout(name).input_shape((5, 3), channels)) == (2, 5, 3, channels)
    for picture, row, column, channel in np.ndindex(pixels.shape):
        assert fed[picture, column, row, channel] == pytest.approx(pixels[picture, row, column, channel] / 255)


def test_theirs_gets_the_fractions_of_the_original_within_one_level() -> None:
    gray = np.random.default_rng(2).integers(0, 256, (30, 70), dtype=np.uint8)
    original = cv2.resize(gray.astype(np.float32), (50, 20)).swapaxes(0, 1) / 255
    pixels = pretreat(Image.fromarray(gray), Pretreatment(), (50, 20))
    assert np.abs(layout("captcha-trainer-v1").feed(pixels[np.newaxis])[0, :, :, 0] - original).max() <= 1 / 255


@pytest.mark.parametrize(
    ("name", "numbers", "texts"),
    [
        ("nhwc-uint8", [[0, 1, 2], [2, -1, -1], [-1, -1, -1]], ["abc", "c", ""]),
        ("captcha-trainer-v1", [[1, 2, 3], [3, -1, -1], [1, 1, -1], [-1, -1, -1]], ["abc", "c", "aa", ""]),
        ("captcha-trainer-v1", [[0, 1, 4]], ["a"]),
        ("captcha-trainer-v2", [[1, 4, 1, 2], [3, 4, 4, 4], [4, 4, 4, 4]], ["aab", "c", ""]),
        ("captcha-trainer-v2-fixed", [[0, 0, 1, 2], [3, 3, 2, 1]], ["ab", "ccba"]),
    ],
)
def test_numbers_of_symbols_become_text(name: str, numbers: list[list[int]], texts: list[str]) -> None:
    decoded = layout(name).read(np.array(numbers), ABC)
    assert [item.text for item in decoded] == texts
    assert {(item.confidence, item.symbols) for item in decoded} == {(0.0, ())}


@pytest.mark.parametrize(("name", "number"), [("nhwc-uint8", 3), ("captcha-trainer-v1", 5), ("captcha-trainer-v2", -2)])
def test_a_number_beyond_the_symbols_tells_of_another_character_set(name: str, number: int) -> None:
    with pytest.raises(ValueError, match=f"number {number}.* is not that of the graph"):
        layout(name).read(np.array([[1, number]]), ABC)


@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 3), st.integers(1, 6), st.just(4)), elements=st.floats(-9, 9, width=32)
    )
)
def test_confidence_by_their_scores_is_that_by_ours(logits: Array) -> None:
    ours = ctc_greedy(logits, ABC)
    numbers = np.full((len(logits), 7), -1)
    for row, item in zip(numbers, ours, strict=True):
        row[: len(item.text)] = ["abc".index(symbol) + 1 for symbol in item.text]
    for name, given_numbers, scores in [
        ("captcha-trainer-v1", numbers, foreign(logits)),
        ("nhwc-uint8", np.where(numbers > 0, numbers - 1, -1), logits),
    ]:
        theirs = layout(name).read(given_numbers, ABC, scores)
        assert [item.text for item in theirs] == [item.text for item in ours]
        assert [item.confidence for item in theirs] == pytest.approx([item.confidence for item in ours], rel=1e-5)


def test_the_class_between_equal_neighbours_counts_and_the_filling_does_not() -> None:
    frames = [1, 4, 1, 5, 2]  # a, parting class, a, blank, b
    logits = np.full((5, 1, layout("captcha-trainer-v2").classes(ABC)), -20, np.float32)
    for frame, index in enumerate(frames):
        logits[frame, 0, index] = 20
    (decoded,) = layout("captcha-trainer-v2").read(np.array([[1, 4, 1, 2, 4, 4]]), ABC, logits)
    assert decoded.text == "aab"
    assert decoded.confidence == pytest.approx(1)


def test_a_fixed_length_graph_has_no_ctc_scores() -> None:
    logits = np.zeros((1, 2, 4), np.float32)
    (decoded,) = layout("captcha-trainer-v2-fixed").read(np.array([[1, 2]]), ABC, logits)
    assert (decoded.text, decoded.confidence) == ("ab", 0)


@pytest.mark.parametrize(("symbols", "classes"), [(36, 39), (10, 13)])
@pytest.mark.parametrize("name", CTC)
def test_theirs_tells_three_more_classes_apart_than_symbols(name: str, symbols: int, classes: int) -> None:
    charset = Charset(tuple(map(chr, range(65, 65 + symbols))))
    assert layout(name).classes(charset) == classes
    assert layout("nhwc-uint8").classes(charset) == symbols + 1


def test_no_picture_gives_no_text() -> None:
    assert dense(np.zeros((0, 4), np.int64), "abc") == []
    assert dense(np.zeros((2, 0), np.int64), "abc") == ["", ""]
