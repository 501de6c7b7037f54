"""Random numbers that follow from (seed, step) alone, for tensorflow's functions and for Keras's layers."""

from typing import Any

import keras
import tensorflow as tf

Tensor = Any  # tensorflow publishes no types

STREAMS = 64  # seeds that one step may ask for


class Draws(keras.random.SeedGenerator):  # type: ignore[misc]  # keras publishes no types
    """The seeds of one step: each one that is asked for is new, and in each run the same.

    Keras's layers take their seeds from a generator whose state changes with each call. This one has no state beyond
    the trace of a tensorflow function, so that an interrupted training sees the same pictures again.
    """

    def __init__(self, seed: int, step: Tensor) -> None:  # no state, so nothing of the base is wanted
        """Begin a step; `step` is int64 []."""
        self._first = seed * STREAMS
        self._step = step
        self._asked = 0

    def next(self, ordered: bool = True) -> Tensor:  # noqa: ARG002, FBT001, FBT002 - the signature is Keras's
        """Return a seed int64 [2] for one of tensorflow's stateless functions."""
        stream = self._first + self._asked
        self._asked += 1
        return tf.stack([tf.constant(stream, tf.int64), self._step])

    def uniform(self, shape: list[Tensor], limit: float) -> Tensor:
        """Return numbers between minus and plus the limit as float32 of a shape."""
        return tf.random.stateless_uniform(shape, self.next(), -limit, limit)

    def normal(self, shape: Tensor, deviation: float) -> Tensor:
        """Return normal numbers around zero as float32 of a shape."""
        return tf.random.stateless_normal(shape, self.next(), stddev=deviation)
