"""Batches of pictures in an order that depends on the seed and the step alone."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.charset import BLANK, Charset
from contract.pixels import Pixels
from trainer.config import TrainConfig
from trainer.dataset import endless
from trainer.dataset.endless import Endless
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples
from trainer.training.ahead import ahead
from trainer.training.augment import Tensor, augmenter
from trainer.training.recipe import Recipe
from trainer.training.strength import Strength

Labels = npt.NDArray[np.int32]

Source = Examples | Endless  # what training learns from
Stream = Generator["Batch", None, None]

READY = 4  # batches that wait for their step


@dataclass(frozen=True)
class Batch:
    """One step's pictures.

    Attributes:
        images: uint8 [B, H, W, C].
        labels: int32 [B, L], classes 1..K-1, filled with 0 behind shorter labels.
    """

    images: Any
    labels: Any


def source_of(config: TrainConfig, packed: PackedSet) -> Source:
    """Return what a config trains on: the packed pictures, in memory, or the source of drawn ones."""
    return endless.source_of(config) if packed.endless else packed.load("train")


def epoch_pictures(config: TrainConfig, packed: PackedSet) -> int:
    """Return how many pictures make an epoch: the training set, or what Synthetic.Epoch says."""
    return config.Synthetic.Epoch if packed.endless else packed.counts["train"]


def some_labels(source: Source, charset: Charset, count: int, number: int) -> tuple[list[str], int]:
    """Return labels as training sees them, and how many symbols they may be made of.

    Args:
        source: of the pictures.
        charset: folds labels; those that were packed are folded already.
        count: of labels, at most.
        number: of the picture that training sees now.
    """
    if isinstance(source, Endless):
        return list(map(charset.fold, source.labels(count, number))), source.symbols(number)
    return source.labels[:count], charset.classes - 1


def batches_of(source: Source, config: TrainConfig, recipe: Recipe, first_step: int) -> Stream:
    """Yield the batches of a training from `first_step` on; close it when no more are wanted."""
    if isinstance(source, Endless):
        return drawn_batches(source, config.charset, recipe, config.System.Seed, first_step)
    labels = label_matrix(source.labels, config.charset)
    return batches(source.pixels, labels, recipe, config.System.Seed, first_step)


def label_matrix(texts: list[str], charset: Charset, longest: int = 1) -> Labels:
    """Return the classes of folded labels as int32 [N, L], L the longest label or more, filled with the blank."""
    encoded = [charset.encode(text) for text in texts]
    matrix = np.full((len(texts), max([longest, *map(len, encoded)])), BLANK, np.int32)
    for row, classes in enumerate(encoded):
        matrix[row, : len(classes)] = classes
    return matrix


def batches(pixels: Pixels, labels: Labels, recipe: Recipe, seed: int, first_step: int) -> Stream:
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
    for images, row in tf.data.Dataset.zip(steps, order).map(draw).prefetch(READY):
        yield Batch(images, row)


def drawn_batches(source: Endless, charset: Charset, recipe: Recipe, seed: int, first_step: int) -> Stream:
    """Yield batches of pictures that are drawn, and varied, while the steps before them run; arguments as `batches`.

    Step number s sees the pictures s * B, ..., s * B + B - 1 of the source.
    """
    return ahead(_varied(source, charset, recipe, seed, first_step), READY)


def _varied(source: Endless, charset: Charset, recipe: Recipe, seed: int, first_step: int) -> Stream:
    import tensorflow as tf  # noqa: PLC0415 - as in batches

    size = recipe.batch_size
    augment = tf.function(augmenter(recipe.strength, seed))
    longest = source.drawing.lengths[1]  # the same for all batches: another shape would be traced anew
    numbers = range(first_step * size, recipe.steps * size)
    for step, drawn in enumerate(source.batches(numbers, size), start=first_step):
        images: Any = drawn.pixels
        if step < recipe.plain_from and recipe.strength != Strength():
            with tf.device("CPU"):
                images = augment(tf.constant(images), tf.constant(step, tf.int64))
        yield Batch(images, label_matrix(list(map(charset.fold, drawn.labels)), charset, longest))
