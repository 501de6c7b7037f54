"""Convolutions with fewer multiplications, out of tensorflow's operations: see `engine.winograd`.

What is computed is the same up to rounding. The platform reads so in float32 (`hasten`), and the trainer learns so.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from engine.pauses import Pause, no_pause
from engine.winograd import Matrix, column, rows_at_once

Tensor = Any  # tensorflow publishes no types

# As `engine.winograd.WORTH`, for the few pictures that are read at once, whose products stay near the CPU: with two of
# them 156 took 20 % off a convolution, and with one 5 %.
WORTH_READING = 150

# Multiply-adds that are saved for each picture: each point is one more operation to run and to load, which takes 5 ms
# more for each convolution. With 5 million it took as long as before for two pictures, and longer for one.
LEAST_READING = 10_000_000


class Tiles:
    """One convolution with stride 1 and zeros around, as `Conv2D` has it with padding SAME.

    Attributes:
        matrices: that lead to the points at which tiles and filters are multiplied, and back.
    """

    def __init__(self, images: Tensor, kernel: Sequence[int], rows: int) -> None:
        """Plan it.

        Args:
            images: float32 [N, H, W, C], of which only N may be unknown.
            kernel: its shape [R, S, C, F], R odd.
            rows: of outputs that are made at once, see `engine.winograd.rows_at_once`.
        """
        height, self._width, self._channels = images.shape[1:]
        taps, *_, self._filters = kernel
        self.matrices = column(height, rows, taps)

    def seen(self, images: Tensor) -> Sequence[Tensor]:
        """[N, H, W, C] to [N, T, W, C] for each point: B^T d."""
        return self._apart(self.matrices.data, images)

    def outputs(self, parts: Sequence[Tensor]) -> Tensor:
        """[N, T, W, F] for each point to [N, H, W, F]: A^T of the products."""
        return self._together(self.matrices.outputs, parts, self._filters)

    def biased(self, parts: Sequence[Tensor], bias: Tensor) -> Sequence[Tensor]:
        """Add a bias [F] to what `outputs` will make of the parts: to a single one of them."""
        ones = self.matrices.ones
        return [*parts[:ones], tf.nn.bias_add(parts[ones], bias), *parts[ones + 1 :]]

    def unmade(self, upstream: Tensor) -> Sequence[Tensor]:
        """The gradient of `outputs`: [N, H, W, F] to [N, T, W, F] for each point."""
        return self._apart(self.matrices.outputs.T, upstream)

    def unseen(self, parts: Sequence[Tensor]) -> Tensor:
        """The gradient of `seen`: [N, T, W, C] for each point to [N, H, W, C], where tiles overlap their sum."""
        return self._together(self.matrices.data.T, parts, self._channels)

    def _apart(self, matrix: Matrix, images: Tensor) -> Sequence[Tensor]:
        height, depth = matrix.shape[1], images.shape[-1]
        products = tf.matmul(matrix, tf.reshape(images, [-1, height, self._width * depth]))
        shape = [-1, self.matrices.points, self.matrices.tiles, self._width, depth]
        parts: Sequence[Tensor] = tf.unstack(tf.reshape(products, shape), axis=1)
        return parts

    def _together(self, matrix: Matrix, parts: Sequence[Tensor], depth: int) -> Tensor:
        height, products = matrix.shape
        flat = tf.reshape(tf.concat(parts, 1), [-1, products, self._width * depth])
        return tf.reshape(tf.matmul(matrix, flat), [-1, height, self._width, depth])


def hasten(graph: tf.Graph, pause: Pause = no_pause) -> None:
    """Let the convolutions of a graph without loops that gain by it multiply less; pause after each of them."""
    with graph.as_default():
        for node in graph.get_operations():
            if node.type == "Conv2D" and _replace(node):
                pause()


def _replace(node: tf.Operation) -> bool:
    images, kernel = node.inputs[0], tf.get_static_value(node.inputs[1])
    plain = (
        node.get_attr("padding") == b"SAME"
        and node.get_attr("data_format") == b"NHWC"
        and {*node.get_attr("strides"), *node.get_attr("dilations")} == {1}
    )
    if kernel is None or not plain or images.dtype != tf.float32 or not images.shape[1:].is_fully_defined():
        return False
    height, width, _ = images.shape[1:]
    rows = rows_at_once(height, kernel.shape, WORTH_READING, LEAST_READING / width)
    if not rows:
        return False
    tiles = Tiles(images, kernel.shape, rows)
    # Not tensordot: the threads of numpy's BLAS look out for more work at full speed for 0.1 s, and held up all others.
    kernels = np.einsum("pr,rscf->pscf", tiles.matrices.taps, kernel)[:, None]
    with tf.name_scope(f"{node.name}/tiles"):
        seen = tiles.seen(images)
        parts: Sequence[Tensor] = [tf.nn.conv2d(*pair, 1, "SAME") for pair in zip(seen, kernels, strict=True)]
        bias = _only_bias(node)
        if bias:
            parts = tiles.biased(parts, bias.inputs[1])
        _take_over((bias or node).outputs[0], tiles.outputs(parts))
    return True


def _only_bias(node: tf.Operation) -> tf.Operation | None:
    """Return what adds a bias to the outputs of an operation, if nothing else reads them."""
    readers = node.outputs[0].consumers()
    is_bias = len(readers) == 1 and readers[0].type == "BiasAdd" and readers[0].get_attr("data_format") == b"NHWC"
    return readers[0] if is_bias else None


def _take_over(old: Tensor, new: Tensor) -> None:
    for reader in old.consumers():
        for place, taken in enumerate(reader.inputs):
            if taken is old:
                reader._update_input(place, new)  # it has no public name
