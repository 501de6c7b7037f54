"""Shapes and sizes of the networks against the figures of the seed, and the export against Keras for each of them."""

from typing import Any

import numpy as np
import pytest

import engine
from contract.ops import ALLOWED_OPS
from tests.conftest import make_artifact, small_config
from trainer.config import NeuralNetSection
from trainer.framework import import_keras
from trainer.network.geometry import frames

NETWORKS: list[dict[str, Any]] = [
    {},
    {"Geometry": "seed", "RecurrentLayers": 2},
    {"CNNNetwork": "DenseNet"},
    {"RecurrentNetwork": "LSTM"},
    {"KeepProb": 0.5},
]


def built(size: tuple[int, int], **net: Any) -> Any:
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - it imports keras

    model = {"CharSet": "ALPHANUMERIC_LOWER", "ImageWidth": size[0], "ImageHeight": size[1]}
    return build(small_config(NeuralNet=net, Model=model))


def test_the_seeds_network_has_the_seeds_parameters() -> None:
    # captcha_trainer: 617,959 at 150x50 with 39 classes; two classes fewer here, each of 2 * 64 weights and a bias.
    model = built((150, 50), Geometry="seed", RecurrentLayers=2, HiddenNum=64)
    assert model.count_params() == 617_959 - 2 * (2 * 64 + 1)
    assert model.output_shape == (None, 10, 37)


@pytest.mark.parametrize("size", [(150, 50), (160, 60), (70, 30), (97, 33)])
@pytest.mark.parametrize("net", NETWORKS)
def test_the_frames_are_those_that_geometry_counts(size: tuple[int, int], net: dict[str, Any]) -> None:
    model = built(size, **{"HiddenNum": 4, **net})
    assert model.output_shape == (None, frames(NeuralNetSection(**net), size[0]), 37)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("net", NETWORKS)
def test_the_exported_graph_computes_what_keras_computes(net: dict[str, Any], channels: int) -> None:
    config = small_config(NeuralNet={"HiddenNum": 8, **net}, Pretreatment={"ImageChannel": channels})
    artifact = make_artifact(config)
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 48, channels), np.uint8)
    expected = np.asarray(artifact.model.predict_on_batch(pixels))
    found = recognizer.logits(pixels)
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    assert expected.std() > 0.01  # the comparison is about something


@pytest.mark.parametrize("net", NETWORKS)
def test_a_batch_reads_what_its_pictures_read_alone(net: dict[str, Any]) -> None:
    artifact = make_artifact(small_config(NeuralNet={"HiddenNum": 8, **net}))
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    pixels = np.random.default_rng(1).integers(0, 256, (11, 16, 48, 1), np.uint8)
    alone = [recognizer.read_pixels(pixels[row : row + 1])[0].text for row in range(len(pixels))]
    assert [reading.text for reading in recognizer.read_pixels(pixels)] == alone
    assert len(set(alone)) > 1


@pytest.mark.parametrize("net", NETWORKS)
def test_the_graph_holds_no_loop_variable_or_foreign_operation(net: dict[str, Any]) -> None:
    import tensorflow as tf  # noqa: PLC0415 - tests without a network must not wait for it

    artifact = make_artifact(small_config(NeuralNet={"HiddenNum": 8, **net}))
    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    found = {node.op for node in definition.node}
    assert found <= ALLOWED_OPS
    assert not [op for op in found if op.startswith(("While", "TensorList", "Cudnn", "Var", "Read"))]
    assert not definition.library.function
    assert {node.device for node in definition.node} == {""}


def test_batch_norm_leaves_no_operation_behind_a_convolution() -> None:
    import tensorflow as tf  # noqa: PLC0415 - as above

    artifact = make_artifact(small_config())
    operations = [node.op for node in tf.compat.v1.GraphDef.FromString(artifact.graph).node]
    assert operations.count("Conv2D") == operations.count("LeakyRelu") == 5
    assert operations.count("Mul") == operations.count("AddV2") == 1  # the scaling of the pixels
    assert len(operations) < 110


@pytest.mark.parametrize(("hidden", "megabytes"), [(64, 2.0), (16, 1.5)])
def test_the_files_are_small_and_half_as_large_in_bfloat16(hidden: int, megabytes: float) -> None:
    model = built((150, 50), HiddenNum=hidden)
    from trainer.export.graph import inference_graph  # noqa: PLC0415 - it imports keras

    sizes = [len(inference_graph(model, precision)) / 1e6 for precision in ("float32", "bfloat16")]
    assert sizes[0] <= megabytes
    assert sizes[1] <= 0.52 * sizes[0]
