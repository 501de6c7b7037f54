"""Pixels changed where they are: blur, contrast, brightness, erased rectangles and noise."""

import math
from typing import Any

import keras
import tensorflow as tf

from trainer.training.draws import Draws, Tensor
from trainer.training.strength import Strength

ERASED = (0.02, 0.1)  # share of the area, from and to

BLURRED = 0.5  # share of the pictures: Keras's layer draws one sigma for a whole batch, and some stay sharp

# A Gaussian is nothing to speak of beyond three sigmas.
SIGMAS = 3


class Retouch:
    """Keras's own layers in a row, with the seeds of a step. Pictures are float32 [N, H, W, C], values 0 to 255."""

    def __init__(self, strength: Strength) -> None:
        """Make the layers; only those that the strength asks for run."""
        self._margin = math.ceil(SIGMAS * strength.blur)
        # A single number means another thing to each layer, so both ends are given where it is not plus and minus.
        self._blur = _layer(
            keras.layers.RandomGaussianBlur,
            2 * (BLURRED,),
            kernel_size=2 * self._margin + 1,
            sigma=(0.0, strength.blur),
        )
        self._contrast = _layer(keras.layers.RandomContrast, 2 * (strength.contrast,))
        self._brightness = _layer(keras.layers.RandomBrightness, strength.brightness / 255)
        self._erase = _layer(keras.layers.RandomErasing, 2 * (strength.erase,), scale=ERASED, fill_value=0)
        self._strength = strength

    def __call__(self, images: Tensor, draws: Draws) -> Tensor:
        """Return float32 [N, H, W, C], changed; values may leave 0 to 255."""
        strength = self._strength
        if strength.blur:
            images = self._blurred(images, draws)
        if strength.contrast:
            images = _applied(self._contrast, images, draws)
        if strength.brightness:
            images = _applied(self._brightness, images, draws)
        if strength.erase:
            images = self._erased(images, draws)
        if strength.noise:  # Keras's layer for it runs on Keras's backend only, and tf.data is always tensorflow's
            images += draws.normal(tf.shape(images), strength.noise)
        return images

    def _blurred(self, images: Tensor, draws: Draws) -> Tensor:
        # The layer takes what is outside for black, which would darken the edges: there they are repeated.
        margin, shape = self._margin, tf.shape(images)
        rows = tf.clip_by_value(tf.range(-margin, shape[1] + margin), 0, shape[1] - 1)
        columns = tf.clip_by_value(tf.range(-margin, shape[2] + margin), 0, shape[2] - 1)
        wide = tf.gather(tf.gather(images, rows, axis=1), columns, axis=2)
        blurred = _applied(self._blur, wide, draws)[:, margin:-margin, margin:-margin]
        return tf.ensure_shape(blurred, images.shape)

    def _erased(self, images: Tensor, draws: Draws) -> Tensor:
        # Filled with the picture's mean, so that the rectangle is no sign of its own.
        drawn = self._erase.get_random_transformation(images, seed=draws)
        mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
        return self._erase.transform_images(images, {**drawn, "fill_value": mean})


def _layer(kind: Any, *arguments: Any, **keys: Any) -> Any:  # noqa: ANN401 - keras publishes no types
    layer = kind(*arguments, **keys, data_format="channels_last", dtype="float32")
    layer.backend.set_backend("tensorflow")  # whatever trains: these run inside tf.data
    return layer


def _applied(layer: Any, images: Tensor, draws: Draws) -> Tensor:  # noqa: ANN401 - as above
    return layer.transform_images(images, layer.get_random_transformation(images, seed=draws))
