"""The order of pictures depends on seed and step alone, and augmentation changes neither shape nor range."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contract import charset
from tests.conftest import small_config
from trainer.training.augment import STRENGTHS
from trainer.training.pipeline import batches, label_matrix
from trainer.training.recipe import Recipe, choose

PICTURES = 50


def recipe(**keys: Any) -> Recipe:
    config = small_config(Trains={"BatchSize": 8, "MaxEpochs": 4, "Augment": "off"})
    return replace(choose(config, PICTURES, "float32"), **keys)


def drawn(plan: Recipe, seed: int = 0, first_step: int = 0) -> list[tuple[Any, Any]]:
    pixels = np.broadcast_to(np.arange(PICTURES, dtype=np.uint8)[:, None, None, None], (PICTURES, 16, 48, 1))
    labels = np.arange(PICTURES, dtype=np.int32)[:, None]
    found = batches(pixels, labels, plan, seed, first_step)
    return [(np.asarray(batch.images), np.asarray(batch.labels)[:, 0]) for batch in found]


def test_every_epoch_shows_every_picture_once_in_a_new_order() -> None:
    order = np.concatenate([labels for _, labels in drawn(recipe())])
    epochs = [order[start : start + PICTURES] for start in range(0, len(order) - PICTURES + 1, PICTURES)]
    assert len(epochs) == 4
    assert all(sorted(epoch) == list(range(PICTURES)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert tuple(epochs[0]) != tuple(range(PICTURES))


def test_pictures_and_labels_stay_together_and_batches_are_whole() -> None:
    for images, labels in drawn(recipe()):
        assert images.shape == (8, 16, 48, 1)
        assert (images[:, 0, 0, 0] == labels).all()


def test_an_interrupted_run_goes_on_with_the_same_pictures() -> None:
    plan = recipe(strength=STRENGTHS["strong"])
    whole, rest = drawn(plan, seed=3), drawn(plan, seed=3, first_step=11)
    assert len(rest) == len(whole) - 11
    for (images, labels), (again, labels_again) in zip(whole[11:], rest, strict=True):
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels, labels_again)
    assert any((a[1] != b[1]).any() for a, b in zip(whole, drawn(plan, seed=4), strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_keeps_shape_and_type_and_moves_pixels_a_little(channels: int) -> None:
    plan = recipe(strength=STRENGTHS["strong"], plain_from=1)
    pixels = np.full((PICTURES, 32, 96, channels), 200, np.uint8)
    pixels[:, 12:20, 40:56] = 20
    found = batches(pixels, np.zeros((PICTURES, 1), np.int32), plan, 0, 0)
    varied, plain = (np.asarray(next(found).images) for _ in range(2))
    assert varied.shape == plain.shape == (8, 32, 96, channels)
    assert varied.dtype == np.uint8
    np.testing.assert_array_equal(plain, pixels[:8])
    for picture in varied:
        dark = np.argwhere(picture[..., 0] < (int(picture.max()) + int(picture.min())) / 2)
        assert 60 < len(dark) < 260  # 128 pixels before
        assert np.abs(dark.mean(axis=0) - [15.5, 47.5]).max() < 6
    assert len({picture.tobytes() for picture in varied}) == 8


def test_without_strength_a_picture_stays_as_it_is() -> None:
    images, labels = drawn(recipe(plain_from=10**6))[0]
    assert (images == labels[:, None, None, None]).all()


def test_labels_become_classes_filled_with_the_blank() -> None:
    digits = charset.build("NUMERIC")
    assert label_matrix(["0042", "7", ""], digits).tolist() == [[1, 1, 5, 3], [8, 0, 0, 0], [0, 0, 0, 0]]
