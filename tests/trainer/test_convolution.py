"""Convolutions that learn with fewer multiplications learn what the usual ones learn."""

from typing import Any

import numpy as np
import pytest

from tests.conftest import small_config
from trainer.framework import import_keras


def results(convolution: Any, images: Any, kernel: Any, upstream: Any) -> list[Any]:
    """Outputs of a convolution, and the gradients of images and kernel."""
    import tensorflow as tf  # noqa: PLC0415 - late

    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = convolution(images, kernel)
    return [outputs, *tape.gradient(outputs, [images, kernel], upstream)]


@pytest.mark.parametrize(
    ("height", "kernel", "rows"),
    [
        (9, (5, 3), 4),
        (9, (5, 3), 3),
        (8, (3, 3), 4),
        (7, (3, 3), 3),
        (7, (3, 3), 2),
        (13, (3, 3), 5),
        (6, (3, 3), 6),
        (2, (5, 5), 2),
        (5, (7, 1), 2),
    ],
)
def test_outputs_and_gradients_are_those_of_a_usual_convolution(
    height: int, kernel: tuple[int, int], rows: int
) -> None:
    import_keras()
    import tensorflow as tf  # noqa: PLC0415 - late

    from trainer.training.convolution import convolve  # noqa: PLC0415 - it imports keras

    rng = np.random.default_rng(height)
    images = tf.constant(rng.normal(size=(3, height, 6, 4)), tf.float32)
    weights = tf.constant(rng.normal(size=(*kernel, 4, 5)), tf.float32)
    upstream = tf.constant(rng.normal(size=(3, height, 6, 5)), tf.float32)
    usual = results(lambda x, k: tf.nn.conv2d(x, k, 1, "SAME"), images, weights, upstream)
    found = results(lambda x, k: convolve(x, k, rows), images, weights, upstream)
    for one, other in zip(usual, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("precision", "used"), [("float32", True), ("bfloat16", False)])
def test_learning_in_float32_uses_it(precision: Any, used: bool) -> None:
    import_keras()
    import tensorflow as tf  # noqa: PLC0415 - late

    from trainer.network.build import build  # noqa: PLC0415 - it imports keras
    from trainer.training.convolution import hasten  # noqa: PLC0415

    model, usual = build(small_config(), precision), build(small_config(), precision)
    model.set_weights(usual.get_weights())
    hasten(model)
    images = tf.constant(np.random.default_rng(0).integers(0, 256, (4, *model.input_shape[1:])), tf.uint8)
    step = tf.function(model).get_concrete_function(images)
    assert any("MatMul" in node.type and "conv2d" in node.name for node in step.graph.get_operations()) is used
    np.testing.assert_allclose(step(images), usual(images), rtol=1e-3, atol=1e-4 if used else 1e-1)
