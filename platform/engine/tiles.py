"""Convolutions with fewer multiplications, out of tensorflow's operations: see `engine.winograd`.

What is computed is the same up to rounding. The platform reads so in float32 (`hasten`), and the trainer learns so.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from engine.pauses import Pause, no_pause
from engine.winograd import rows_at_once, transforms

Tensor = Any  # tensorflow publishes no types

# As `engine.winograd.WORTH`, but each convolution takes 9 ms more to load, during which other threads of Python wait.
# The two of CNN5 that fall out by it would make a picture of 150x50 hardly faster, 2 % at most.
WORTH_READING = 250


class Tiles:
    """One convolution with stride 1 and zeros around, as `Conv2D` has it with padding SAME.

    Images are cut along the height into T tiles, which overlap: each has the rows that so many rows of outputs are made
    from. Rows lie in the memory whole, so cutting, adding and putting together move long stretches.

    Attributes:
        size: rows of a tile, and points at which tiles and filters are multiplied.
        matrices: that lead there and back.
    """

    def __init__(self, images: Tensor, kernel: Sequence[int], rows: int) -> None:
        """Plan it.

        Args:
            images: float32 [N, H, W, C], of which only N may be unknown.
            kernel: its shape [R, S, C, F], R odd.
            rows: of outputs that are made at once, see `engine.winograd.rows_at_once`.
        """
        self._height, self._width, self._channels = images.shape[1:]
        taps, *_, self._filters = kernel
        self.matrices = transforms(rows, taps)
        self.size = rows + taps - 1
        self._rows, self._above = rows, taps // 2
        self._tiles = -(-self._height // rows)
        self._reach = -(-self.size // rows)  # groups of `rows` rows that a tile lies in
        self._groups = self._tiles + self._reach - 1

    def seen(self, images: Tensor) -> Sequence[Tensor]:
        """[N, H, W, C] to [N, T, W, C] for each point: B^T d."""
        below = self._groups * self._rows - self._height - self._above
        padded = tf.pad(images, [[0, 0], [self._above, below], [0, 0], [0, 0]])
        groups = tf.reshape(padded, [-1, self._groups, self._rows, self._width * self._channels])
        parts = [groups[:, one : one + self._tiles, : self.size - one * self._rows] for one in range(self._reach)]
        return self.apart(tf.matmul(self.matrices.data, tf.concat(parts, 2)))

    def outputs(self, parts: Sequence[Tensor]) -> Tensor:
        """[N, T, W, F] for each point to [N, H, W, F]: A^T of the products."""
        tiles = tf.matmul(self.matrices.outputs, self.together(parts))
        whole = tf.reshape(tiles, [-1, self._tiles * self._rows, self._width, self._filters])
        return whole[:, : self._height]

    def unmade(self, upstream: Tensor) -> Sequence[Tensor]:
        """The gradient of `outputs`: [N, H, W, F] to [N, T, W, F] for each point."""
        below = self._tiles * self._rows - self._height
        padded = tf.pad(upstream, [[0, 0], [0, below], [0, 0], [0, 0]])
        tiles = tf.reshape(padded, [-1, self._tiles, self._rows, self._width * self._filters])
        return self.apart(tf.matmul(self.matrices.outputs, tiles, transpose_a=True))

    def unseen(self, parts: Sequence[Tensor]) -> Tensor:
        """The gradient of `seen`: [N, T, W, C] for each point to [N, H, W, C], where tiles overlap their sum."""
        tiles = tf.matmul(self.matrices.data, self.together(parts), transpose_a=True)
        overlaid = []
        for one in range(self._reach):
            missing = max(0, (one + 1) * self._rows - self.size)
            part = tiles[:, :, one * self._rows : (one + 1) * self._rows]
            overlaid.append(tf.pad(part, [[0, 0], [one, self._reach - 1 - one], [0, missing], [0, 0]]))
        shape = [-1, self._groups * self._rows, self._width, self._channels]
        return tf.reshape(tf.add_n(overlaid), shape)[:, self._above : self._above + self._height]

    def apart(self, tiles: Tensor) -> Sequence[Tensor]:
        """[N, T, size, W * D] to [N, T, W, D] for each point."""
        shape = [-1, self._tiles, self.size, self._width, tiles.shape[-1] // self._width]
        parts: Sequence[Tensor] = tf.unstack(tf.reshape(tiles, shape), axis=2)
        return parts

    def together(self, parts: Sequence[Tensor]) -> Tensor:
        """The way back of `apart`."""
        tiles = tf.stack(parts, 2)
        return tf.reshape(tiles, [-1, self._tiles, self.size, self._width * tiles.shape[-1]])


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
    *taps, channels, filters = kernel.shape
    rows = rows_at_once(images.shape[1], taps, channels, filters, WORTH_READING)
    if not rows:
        return False
    with tf.name_scope(f"{node.name}/tiles"):
        tiles = Tiles(images, kernel.shape, rows)
        kernels = np.tensordot(tiles.matrices.taps, kernel, 1)[:, None]
        parts = [tf.nn.conv2d(one, own, 1, "SAME") for one, own in zip(tiles.seen(images), kernels, strict=True)]
        outputs = tiles.outputs(parts)
    for reader in node.outputs[0].consumers():
        for place, taken in enumerate(reader.inputs):
            if taken is node.outputs[0]:
                reader._update_input(place, outputs)  # it has no public name
    return True
