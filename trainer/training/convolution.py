"""Convolutions while training in float32 on CPUs, with fewer multiplications: see `engine.winograd`.

What is computed is the same up to rounding, and what a network is stays with `trainer.network`. GPUs have libraries
that choose such algorithms themselves, and bfloat16 has too few digits for this one.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from engine.winograd import rows_at_once

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
    return rows_at_once(height, (*layer.kernel_size, channels, layer.filters))


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

    from engine.tiles import Tiles  # noqa: PLC0415 - it imports tensorflow

    tiles = Tiles(images, kernel.shape, rows)
    taps = tf.constant(tiles.matrices.taps)
    strides = {"strides": [1, 1, 1, 1], "padding": "SAME"}

    @tf.custom_gradient  # type: ignore[untyped-decorator] # tensorflow publishes no types
    def run(images: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
        seen = tiles.seen(images)
        filters = [own[None] for own in tf.unstack(tf.tensordot(taps, kernel, 1))]

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            parts = tiles.unmade(upstream)
            of_filters = [
                tf.raw_ops.Conv2DBackpropFilter(input=one, filter_sizes=own.shape, out_backprop=part, **strides)[0]
                for one, own, part in zip(seen, filters, parts, strict=True)
            ]
            of_seen = [
                tf.raw_ops.Conv2DBackpropInput(input_sizes=tf.shape(one), filter=own, out_backprop=part, **strides)
                for one, own, part in zip(seen, filters, parts, strict=True)
            ]
            return tiles.unseen(of_seen), tf.tensordot(taps, tf.stack(of_filters), [[0], [0]])

        return tiles.outputs([tf.nn.conv2d(*pair, 1, "SAME") for pair in zip(seen, filters, strict=True)]), gradient

    return run(images, tf.convert_to_tensor(kernel))  # no custom gradient may be given a variable
