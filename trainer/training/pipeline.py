"""Batches of pictures in an order that depends on the seed and the step alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.charset import BLANK, Charset
from contract.image import Pixels
from trainer.training.augment import Tensor, augmenter
from trainer.training.recipe import Recipe

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """One step's pictures.

    Attributes:
        images: uint8 [B, H, W, C].
        labels: int32 [B, L], classes 1..K-1, filled with 0 behind shorter labels.
    """

    images: Any
    labels: Any


def label_matrix(texts: list[str], charset: Charset) -> Labels:
    """Return the classes of labels as int32 [N, L], L the longest label, filled with the blank."""
    encoded = [charset.encode(text) for text in texts]
    matrix = np.full((len(texts), max(map(len, encoded), default=1)), BLANK, np.int32)
    for row, classes in enumerate(encoded):
        matrix[row, : len(classes)] = classes
    return matrix


def batches(pixels: Pixels, labels: Labels, recipe: Recipe, seed: int, first_step: int) -> Iterator[Batch]:
    """Yield the batches of steps `first_step`, `first_step + 1`, ... up to the recipe's last.

    The set is gone through in an order shuffled anew for each epoch; the last batch of an epoch is filled from the
    next one, so every step has a whole batch.

    Args:
        pixels: uint8 [N, H, W, C].
        labels: int32 [N, L].
        recipe: batch size, steps and augmentation.
        seed: of order and augmentation.
        first_step: where an interrupted run goes on.
    """
    import tensorflow as tf  # noqa: PLC0415 - tensorflow is imported only when training starts

    count = len(pixels)
    augment = augmenter(recipe.strength, seed)
    with tf.device("CPU"):
        all_pixels, all_labels = tf.constant(pixels), tf.constant(labels)

    def shuffled(position: Tensor) -> Tensor:
        return tf.random.experimental.index_shuffle(position % count, [seed, position // count], count - 1)

    def draw(step: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        images = tf.gather(all_pixels, order)
        images = tf.cond(step < recipe.plain_from, lambda: augment(images, step), lambda: images)
        return images, tf.gather(all_labels, order)

    size = recipe.batch_size
    steps = tf.data.Dataset.range(first_step, recipe.steps)
    order = tf.data.Dataset.range(first_step * size, recipe.steps * size).map(shuffled).batch(size)
    for images, row in tf.data.Dataset.zip(steps, order).map(draw).prefetch(4):
        yield Batch(images, row)
