"""The matrices for fewer multiplications make the outputs of a filter, and are used where they save much."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.winograd import MOST_POINTS, TILES, column, rows_at_once, transforms

SIZES = [(rows, taps) for rows in TILES for taps in (3, 5, 7) if rows + taps - 1 <= MOST_POINTS]


@given(st.sampled_from(SIZES), st.data())
def test_transforms_make_outputs_of_a_filter(size: tuple[int, int], data: st.DataObject) -> None:
    rows, taps = size
    values = st.floats(-10, 10, width=32)
    signal = np.array(data.draw(st.lists(values, min_size=rows + taps - 1, max_size=rows + taps - 1)))
    kernel = np.array(data.draw(st.lists(values, min_size=taps, max_size=taps)))
    found = transforms(rows, taps)
    product = (found.taps.astype(np.float64) @ kernel) * (found.data.astype(np.float64) @ signal)
    expected = np.correlate(signal, kernel, "valid")
    np.testing.assert_allclose(found.outputs @ product, expected, atol=1e-5 * (1 + np.abs(kernel).sum() * 10))


@given(st.sampled_from(SIZES), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_a_column_is_filtered_whole(size: tuple[int, int], height: int, seed: int) -> None:
    rows, taps = size
    rng = np.random.default_rng(seed)
    signal, kernel, bias = rng.normal(size=height), rng.normal(size=taps), rng.normal()
    found = column(height, rows, taps)
    seen = (found.data.astype(np.float64) @ signal).reshape(rows + taps - 1, -1)
    products = (found.taps.astype(np.float64) @ kernel)[:, np.newaxis] * seen
    products[found.ones] += bias
    expected = np.correlate(np.pad(signal, taps // 2), kernel, "valid") + bias
    np.testing.assert_allclose(found.outputs @ products.ravel(), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("height", "kernel", "channels", "filters", "rows"),
    [
        (30, (5, 5), 32, 64, 4),  # CNN5's second convolution at 160x60
        (8, (3, 3), 128, 128, 4),
        (20, (3, 3), 64, 256, 5),  # 28 products, where 4 and 6 rows at once take 30 and 32
        (6, (3, 3), 128, 128, 6),  # one whole tile
        (200, (5, 5), 32, 64, None),  # one product over all of a column would take more
        (1, (3, 3), 128, 128, None),  # nothing to share
        (0, (3, 3), 128, 128, None),  # nothing at all
        (60, (7, 7), 1, 32, None),  # few multiplications for what would be moved
        (30, (1, 1), 256, 256, None),
        (30, (4, 4), 256, 256, None),  # an even kernel has no middle
        (30, (7, 7), 256, 256, 2),
        (30, (9, 9), 256, 256, None),  # would lose digits
    ],
)
def test_is_used_where_it_saves_much(
    height: int, kernel: tuple[int, int], channels: int, filters: int, rows: int | None
) -> None:
    assert rows_at_once(height, (*kernel, channels, filters)) == rows


def test_too_little_may_be_saved_in_all() -> None:
    kernel = (3, 3, 128, 128)
    saved = (8 * 3 - 2 * 6) * 3 * 128 * 128 - 2 * 6 * 8 * (128 + 128)
    assert rows_at_once(8, kernel, least=saved) == 4
    assert rows_at_once(8, kernel, least=saved + 1) is None
