"""Batch norm while training, by tensorflow's fused kernel.

Keras puts it together from a dozen operations, each of which goes through the whole memory of a feature map; the kernel
takes a quarter of the time. What is computed is the same, and what a network is stays with `trainer.network`.
"""

import functools
from typing import Any

import keras
from keras import layers, ops

Tensor = Any  # of tensorflow


def fuse(model: keras.Model) -> None:
    """Let the batch norms of a model use the kernel in training; behind another backend nothing changes."""
    if keras.config.backend() != "tensorflow":
        return
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization) and _fits(layer):
            layer.call = functools.partial(_normalized, layer)


def _fits(layer: layers.BatchNormalization) -> bool:
    return len(layer.input.shape) == 4 and layer.axis in {3, -1} and layer.scale and layer.center and not layer.renorm


def _normalized(
    layer: layers.BatchNormalization,
    inputs: Tensor,
    training: bool | None = None,  # noqa: FBT001 - the signature of a layer
    mask: Tensor = None,
) -> Tensor:
    """As `BatchNormalization.call`: features [N, H, W, F], float32 or bfloat16, to the same."""
    if not training or not layer.trainable or mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    import tensorflow as tf  # noqa: PLC0415 - only behind tensorflow

    gamma, beta, mean, variance = (
        ops.cast(variable, "float32")
        for variable in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    )
    outputs, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs, scale=gamma, offset=beta, mean=[], variance=[], epsilon=layer.epsilon, is_training=True
    )
    # The kernel divides by n - 1, Keras by n.
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
    layer.moving_mean.assign(mean * layer.momentum + batch_mean * (1 - layer.momentum))
    layer.moving_variance.assign(
        variance * layer.momentum + batch_variance * ((count - 1) / count) * (1 - layer.momentum)
    )
    return ops.cast(outputs, layer.compute_dtype)
