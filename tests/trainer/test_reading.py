"""Scores of many pictures: each picture's own, in one size of batch."""

import numpy as np
import pytest

from contract.pixels import Pixels
from trainer.network import reading


class Sums:
    """Says of each picture its sum, and remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def predict_on_batch(self, pixels: Pixels) -> Pixels:
        self.sizes.append(len(pixels))
        return pixels.sum((1, 2, 3), keepdims=True)[..., 0]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9])
def test_every_picture_has_its_scores_and_all_batches_have_one_size(count: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 2, 3, 1), np.uint8)
    model = Sums()
    batches = list(reading.scores(model, pixels, 4))  # type: ignore[arg-type] - all of a model that is asked for
    assert np.concatenate(batches).ravel().tolist() == pixels.sum((1, 2, 3)).tolist()
    assert [len(batch) for batch in batches] == [len(pixels[start : start + 4]) for start in range(0, count, 4)]
    assert len(set(model.sizes)) == 1


@pytest.mark.parametrize(
    ("asked", "size", "expected"),
    [(400, (160, 60), 400), (400, (150, 50), 400), (100, (160, 60), 100), (400, (1000, 96), 40), (9, (4096, 4096), 1)],
)
def test_large_pictures_are_read_fewer_at_a_time(asked: int, size: tuple[int, int], expected: int) -> None:
    assert reading.at_once(asked, size) == expected
