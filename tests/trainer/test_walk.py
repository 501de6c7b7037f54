"""What the walk through a network puts where."""

from typing import Any

import pytest

from tests.conftest import make_artifact, small_config
from trainer.framework import import_keras


@pytest.mark.parametrize("geometry", ["wide", "seed"])
def test_the_activation_stands_right_behind_its_convolution(geometry: str) -> None:
    import tensorflow as tf  # noqa: PLC0415 - late, as in the trainer

    content = make_artifact(small_config(NeuralNet={"Geometry": geometry})).graph
    graph = tf.compat.v1.GraphDef.FromString(content)
    nodes = {node.name: node for node in graph.node}
    activations = [node for node in graph.node if node.op == "LeakyRelu"]
    assert len(activations) == 5
    assert {nodes[node.input[0]].op for node in activations} == {"BiasAdd"}
    pools = [node for node in graph.node if node.op == "MaxPool"]
    assert {nodes[node.input[0]].op for node in pools} == {"LeakyRelu"}


@pytest.mark.parametrize(
    ("activation", "settings", "is_moved"),
    [
        ("LeakyReLU", {"negative_slope": 0.2}, True),
        ("ReLU", {}, True),
        ("ReLU", {"threshold": 0.1}, False),
    ],
)
def test_only_an_activation_that_never_falls_goes_before_a_max_pool(
    activation: str, settings: dict[str, float], is_moved: bool
) -> None:
    import_keras()
    import keras  # noqa: PLC0415 - late, as in the trainer

    from trainer.export.walk import walk  # noqa: PLC0415 - it imports keras

    images = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3)(images)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.BatchNormalization(gamma_constraint="non_neg")(x)
    model = keras.Model(images, getattr(keras.layers, activation)(**settings)(x))
    emitted: list[str] = []

    class Emitter:
        def emit(self, layer: Any, x: Any, norm: Any = None) -> Any:  # noqa: ARG002 - as the walk calls it
            emitted.append(type(layer).__name__)
            return x

    walk(model, Emitter(), "images")
    conv, activated, pool = "Conv2D", activation, "MaxPooling2D"
    assert emitted == ([conv, activated, pool] if is_moved else [conv, pool, activated])
