"""The gradient of a network that does not learn, to look at."""

from typing import Any

import keras
import numpy as np

Tensor = Any  # of any Keras backend


def gradient_norm(model: keras.Model, loss: keras.losses.Loss, images: Tensor, labels: Tensor) -> float:
    """Return the norm of all gradients of a batch together, of the network as it reads; nothing changes by it.

    Args:
        model: images to scores.
        loss: of labels and scores.
        images: uint8 [B, H, W, C].
        labels: int32 [B, L].
    """
    if keras.config.backend() == "jax":
        return _by_jax(model, loss, np.asarray(images), np.asarray(labels))
    import tensorflow as tf  # noqa: PLC0415 - only a training that learns nothing needs it

    with tf.GradientTape() as tape:
        value = loss(labels, model(images, training=False))
    return float(tf.linalg.global_norm(tape.gradient(value, model.trainable_variables)))


def _by_jax(model: keras.Model, loss: keras.losses.Loss, images: Tensor, labels: Tensor) -> float:
    import jax  # noqa: PLC0415 - present only where it is the backend

    fixed = [variable.value for variable in model.non_trainable_variables]

    def loss_of(weights: list[Tensor]) -> Tensor:
        scores, _ = model.stateless_call(weights, fixed, images, training=False)
        return loss(labels, scores)

    gradients = jax.grad(loss_of)([variable.value for variable in model.trainable_variables])
    return float(np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients)))
