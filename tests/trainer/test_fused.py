"""The fused batch norm gives what Keras's own gives."""

from typing import Any

import numpy as np
import pytest

from trainer.framework import import_keras


def learned(dtype: str, fused: bool) -> tuple[Any, ...]:
    """Outputs, gradients, and all weights after one step forward, of a batch norm on the same features each time."""
    import keras  # noqa: PLC0415 - late
    import tensorflow as tf  # noqa: PLC0415

    from trainer.training.fused import fuse  # noqa: PLC0415 - it imports keras

    rng = np.random.default_rng(1)
    layer = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, dtype=dtype, gamma_constraint="non_neg")
    model = keras.Sequential([keras.Input((5, 6, 3)), layer])
    layer.set_weights([rng.uniform(0.5, 2, 3), rng.normal(size=3), rng.normal(size=3), rng.uniform(0.5, 2, 3)])
    if fused:
        fuse(model)
    images = tf.constant(rng.normal(2, 3, (4, 5, 6, 3)), tf.float32)
    upstream = tf.constant(rng.normal(size=(4, 5, 6, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = model(images, training=True)
        product = tf.reduce_sum(tf.cast(outputs, tf.float32) * upstream)
    gradients = tape.gradient(product, [images, layer.gamma.value, layer.beta.value])
    read = model(images, training=False)
    return outputs.dtype, [
        np.asarray(tf.cast(item, tf.float32)) for item in (outputs, read, *gradients, *layer.weights)
    ]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 5e-2)])
def test_outputs_gradients_and_statistics_are_keras_own(dtype: str, tolerance: float) -> None:
    import_keras()
    (kind, expected), (found_kind, found) = learned(dtype, fused=False), learned(dtype, fused=True)
    assert kind == found_kind
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance * 4)


def test_the_kernel_is_used() -> None:
    import_keras()
    import keras  # noqa: PLC0415 - late
    import tensorflow as tf  # noqa: PLC0415

    from tests.conftest import small_config  # noqa: PLC0415
    from trainer.network.build import build  # noqa: PLC0415
    from trainer.training.fused import fuse  # noqa: PLC0415

    model = build(small_config())
    fuse(model)
    step = tf.function(lambda images: model(images, training=True))
    graph = step.get_concrete_function(tf.TensorSpec([2, 16, 48, 1], tf.uint8)).graph
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert sum(node.type == "FusedBatchNormV3" for node in graph.get_operations()) == len(norms) > 0
