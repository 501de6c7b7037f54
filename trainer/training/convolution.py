"""Convolutions while training in float32 on CPUs, with fewer multiplications: see `trainer.training.winograd`.

What is computed is the same up to rounding, and what a network is stays with `trainer.network`. GPUs have libraries
that choose such algorithms themselves, and bfloat16 has too few digits for this one.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from trainer.training.winograd import rows_at_once, transforms

Tensor = Any  # of tensorflow


def hasten(model: keras.Model) -> None:
    """Let the convolutions of a model that gain by it multiply less; elsewhere than in float32 on a CPU none does."""
    if keras.config.backend() != "tensorflow":
        return
    import tensorflow as tf  # noqa: PLC0415 - only behind tensorflow

    if tf.config.list_logical_devices("GPU"):
        return
    for layer in model.layers:
        rows = _rows_of(layer) if isinstance(layer, layers.Conv2D) else None
        if rows:
            layer.convolution_op = functools.partial(convolve, rows=rows)


def _rows_of(layer: layers.Conv2D) -> int | None:
    plain = layer.padding == "same" and layer.groups == 1 and {*layer.strides, *layer.dilation_rate} == {1}
    if not plain or layer.compute_dtype != "float32":
        return None
    _, height, _, channels = layer.input.shape
    return rows_at_once(height, layer.kernel_size, channels, layer.filters)


def convolve(images: Tensor, kernel: Tensor, rows: int) -> Tensor:
    """Convolve with stride 1 and zeros around, as `Conv2D` with padding `same`.

    Args:
        images: float32 [N, H, W, C].
        kernel: float32 [R, S, C, F], R odd.
        rows: of the outputs, made at once.

    Returns:
        float32 [N, H, W, F].
    """
    import tensorflow as tf  # noqa: PLC0415 - only behind tensorflow

    kernel = tf.convert_to_tensor(kernel)  # of a variable, which no custom gradient may be given
    plan = _Plan(images, kernel, rows)

    @tf.custom_gradient  # type: ignore[untyped-decorator] # tensorflow publishes no types
    def run(images: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
        seen, filters = plan.seen(images), plan.filters(kernel)
        parts = [tf.nn.conv2d(one, own[None], 1, "SAME") for one, own in zip(seen, filters, strict=True)]

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            return plan.gradient(upstream, seen, filters)

        return plan.outputs(parts), gradient

    return run(images, kernel)


class _Plan:
    """One convolution, cut along the height into T tiles of `rows` outputs, each from `size` rows of images.

    Rows lie in the memory whole, so cutting, adding and putting together move long stretches.
    """

    def __init__(self, images: Tensor, kernel: Tensor, rows: int) -> None:
        import tensorflow as tf  # noqa: PLC0415 - only behind tensorflow

        self._tf = tf
        taps, breadth, channels, filters = kernel.shape
        matrices = transforms(rows, taps)
        self._from, self._to, self._of = map(tf.constant, (matrices.data, matrices.outputs, matrices.taps))
        self._pictures = tf.shape(images)[0]
        self._height, self._width, self._channels = images.shape[1:]
        self._kernel = (1, breadth, channels, filters)
        self._rows, self._size, self._above = rows, rows + taps - 1, taps // 2
        self._tiles = -(-self._height // rows)
        self._reach = -(-self._size // rows)  # groups that a tile reads from
        self._groups = self._tiles + self._reach - 1  # of `rows` rows, at which all tiles begin and end

    def seen(self, images: Tensor) -> Sequence[Tensor]:
        """[N, H, W, C] to B^T d: [N * T, 1, W, C] for each point."""
        tf, rows = self._tf, self._rows
        below = self._groups * rows - self._height - self._above
        padded = tf.pad(images, [[0, 0], [self._above, below], [0, 0], [0, 0]])
        groups = tf.reshape(padded, [self._pictures, self._groups, rows, self._width * self._channels])
        parts = [groups[:, one : one + self._tiles, : self._size - one * rows] for one in range(self._reach)]
        return self._apart(tf.matmul(self._from, tf.concat(parts, 2)))

    def filters(self, kernel: Tensor) -> Sequence[Tensor]:
        """[R, S, C, F] to G g: [S, C, F] for each point."""
        found: Sequence[Tensor] = self._tf.unstack(self._tf.tensordot(self._of, kernel, 1))
        return found

    def outputs(self, parts: Sequence[Tensor]) -> Tensor:
        """[N * T, 1, W, F] for each point to [N, H, W, F]."""
        tf, filters = self._tf, self._kernel[-1]
        tiles = tf.matmul(self._to, self._together(parts))
        return tf.reshape(tiles, [self._pictures, self._tiles * self._rows, self._width, filters])[:, : self._height]

    def gradient(self, upstream: Tensor, seen: Sequence[Tensor], filters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the gradients of images and kernel for that of the outputs, [N, H, W, F]: each step above, turned."""
        tf = self._tf
        below = self._tiles * self._rows - self._height
        padded = tf.pad(upstream, [[0, 0], [0, below], [0, 0], [0, 0]])
        tiles = tf.reshape(padded, [self._pictures, self._tiles, self._rows, self._width * self._kernel[-1]])
        parts = self._apart(tf.matmul(self._to, tiles, transpose_a=True))
        of_filters = [self._of_filter(one, part) for one, part in zip(seen, parts, strict=True)]
        of_seen = [self._of_seen(own, part) for own, part in zip(filters, parts, strict=True)]
        of_kernel = tf.tensordot(self._of, tf.stack(of_filters), [[0], [0]])
        return self._overlaid(tf.matmul(self._from, self._together(of_seen), transpose_a=True)), of_kernel

    def _of_filter(self, seen: Tensor, part: Tensor) -> Tensor:
        return self._tf.raw_ops.Conv2DBackpropFilter(
            input=seen, filter_sizes=self._kernel, out_backprop=part, strides=[1, 1, 1, 1], padding="SAME"
        )[0]

    def _of_seen(self, filters: Tensor, part: Tensor) -> Tensor:
        sizes = [self._pictures * self._tiles, 1, self._width, self._channels]
        return self._tf.raw_ops.Conv2DBackpropInput(
            input_sizes=sizes, filter=filters[None], out_backprop=part, strides=[1, 1, 1, 1], padding="SAME"
        )

    def _overlaid(self, tiles: Tensor) -> Tensor:
        """[N, T, size, W * C], where rows of neighbours lie over each other, to [N, H, W, C]."""
        tf, rows = self._tf, self._rows
        parts = []
        for one in range(self._reach):
            missing = max(0, (one + 1) * rows - self._size)
            part = tiles[:, :, one * rows : (one + 1) * rows]
            parts.append(tf.pad(part, [[0, 0], [one, self._reach - 1 - one], [0, missing], [0, 0]]))
        shape = [self._pictures, self._groups * rows, self._width, self._channels]
        return tf.reshape(tf.add_n(parts), shape)[:, self._above : self._above + self._height]

    def _apart(self, tiles: Tensor) -> Sequence[Tensor]:
        """[N, T, size, W * D] to [N * T, 1, W, D] for each point."""
        shape = [self._pictures * self._tiles, 1, self._width, tiles.shape[-1] // self._width]
        return [self._tf.reshape(part, shape) for part in self._tf.unstack(tiles, axis=2)]

    def _together(self, parts: Sequence[Tensor]) -> Tensor:
        """The way back of `_apart`."""
        flat = [self._pictures, self._tiles, self._width * parts[0].shape[-1]]
        return self._tf.stack([self._tf.reshape(part, flat) for part in parts], 2)
