"""Shapes and sizes of the networks against the figures of the seeds, and the export against Keras for each of them."""

import itertools
from typing import Any

import numpy as np
import pytest

import engine
from contract.ops import ALLOWED_OPS
from tests.conftest import Artifact, make_artifact, shared_artifact, small_config
from trainer.errors import TrainerError
from trainer.framework import import_keras

SMALL_DENSE = {"Growth": 4, "Blocks": [2, 3], "Transitions": [16]}
ODD_VGG = {
    "Blocks": [
        {"Filters": [8, 8], "Kernel": 3, "Padding": ["same", "valid"], "Pool": [1, 2], "KeepProb": 0.5},
        {"Filters": [12], "Kernel": 2, "Padding": "valid"},
    ],
    "Activation": "elu",
}
PLAIN_VGG = {
    "Blocks": [{"Filters": [8]}, {"Filters": [8], "Pool": [1, 1]}, {"Filters": [12], "Pool": [3, 5]}],
    "BatchNorm": False,
    "Activation": "tanh",
    "PoolPadding": "same",
}
FIXED = {"Head": "CrossEntropy", "MaxLabelNum": 4}

# Between them every backbone, recurrence, head and kind of layer.
NETWORKS: list[dict[str, Any]] = [
    {},
    {"Geometry": "seed", "RecurrentLayers": 2, "KeepProb": 0.5},
    {"CNNNetwork": "DenseNet", "DenseNet": SMALL_DENSE, "RecurrentNetwork": "LSTM"},
    {"CNNNetwork": "VGG", "RecurrentNetwork": "BGRU"},
    {"CNNNetwork": "VGG", "VGG": ODD_VGG, "RecurrentNetwork": "GRU", "RecurrentLayers": 2},
    {"CNNNetwork": "VGG", "VGG": PLAIN_VGG, "RecurrentNetwork": "None"},
    {"RecurrentNetwork": "None", **FIXED},
    {**FIXED, "RecurrentNetwork": "LSTM", "Dense": [20], "DensePerPosition": [12], "DenseKeepProb": 0.5},
]
COLOUR = [NETWORKS[0], NETWORKS[3]]


def network(net: dict[str, Any], channels: int = 1) -> Artifact:
    """Return one of the networks and its graph."""
    return shared_artifact(NeuralNet={"HiddenNum": 8, **net}, Pretreatment={"ImageChannel": channels})


def noise(count: int, channels: int = 1, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, 16, 48, channels), np.uint8)


def built(size: tuple[int, int], channels: int = 1, charset: str = "ALPHANUMERIC_LOWER", **net: Any) -> Any:
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - it imports keras

    model = {"CharSet": charset, "ImageWidth": size[0], "ImageHeight": size[1]}
    return build(small_config(NeuralNet=net, Model=model, Pretreatment={"ImageChannel": channels}))


def test_the_seeds_network_has_the_seeds_parameters() -> None:
    # captcha_trainer: 617,959 at 150x50 with 39 classes; two classes fewer here, each of 2 * 64 weights and a bias.
    model = built((150, 50), Geometry="seed", RecurrentLayers=2, HiddenNum=64)
    assert model.count_params() == 617_959 - 2 * (2 * 64 + 1)
    assert model.output_shape == (None, 10, 37)


def test_dense_net_is_of_the_size_that_the_seed_tells() -> None:
    model = built((150, 50), CNNNetwork="DenseNet", HiddenNum=64)
    assert model.output_shape == (None, 37, 37)
    assert 4 * model.count_params() / 1e6 == pytest.approx(6.5, abs=0.1)  # megabytes in float32


def blocks(*filters: list[int], **keys: Any) -> list[dict[str, Any]]:
    return [{"Filters": of_block, **keys} for of_block in filters]


DEEP = blocks([32, 32], [64, 64], [128, 128], [256, 256], [256, 256])
FLAT = [*DEEP[:3], *blocks([256, 256], [256, 256], Pool=[1, 2])]
WIDER = [*DEEP[:4], {**FLAT[4], "KeepProb": 0.75}]
FOUR = {"CNNNetwork": "VGG", "RecurrentNetwork": "None", **FIXED}
PLAIN = {"BatchNorm": False}
DROPPING: dict[str, Any] = {"Padding": ["same", "valid"], "KeepProb": 0.75}

# Picture size and channels; the parameters by the reference and what ours has more or less; T and K; the plan. Networks
# for a fixed length have a class more here, the padding: at each position the features before it and a bias.
SEEDS: list[Any] = [
    pytest.param(
        ((100, 60), 1),
        13_872_784 + 4 * (1_024 + 1),
        (4, 37),
        {
            **FOUR,
            "VGG": {**PLAIN, "PoolPadding": "same", "Blocks": blocks([32], [64], [128], KeepProb=0.75)},
            "Dense": [1024],
            "DenseKeepProb": 0.75,
        },
        id="cnn_captcha",
    ),
    pytest.param(
        ((90, 32), 1),
        5_900_880 + 4 * (256 + 1),
        (4, 37),
        {
            **FOUR,
            "VGG": {**PLAIN, "Blocks": blocks([64, 64], [128, 128], [256, 256], **DROPPING)},
            "DensePerPosition": [256],
            "DenseKeepProb": 0.5,
        },
        id="captcha_identification",
    ),
    pytest.param(
        ((90, 32), 1),
        1_485_168 + 4 * (128 + 1),
        (4, 37),
        {
            **FOUR,
            "VGG": {**PLAIN, "Blocks": blocks([32, 32], [64, 64], [128, 128], **DROPPING)},
            "DensePerPosition": [128],
            "DenseKeepProb": 0.5,
        },
        id="captcha_identification, its README",
    ),
    pytest.param(
        ((160, 60), 1),
        1_292_744 + 4 * (31_616 + 1),
        (4, 11),
        {
            **FOUR,
            "VGG": {**PLAIN, "PoolPadding": "same", "Blocks": blocks([32, 32], [64], Padding="valid")},
            "KeepProb": 0.75,
        },
        id="tensorflow-101",
    ),
    pytest.param(
        ((128, 64), 3), 2_653_360 + 4 * (2_048 + 1), (4, 37), {**FOUR, "VGG": {"Blocks": DEEP}}, id="captcha_break, CNN"
    ),
    pytest.param(
        ((128, 64), 3),
        3_157_317 - 2 * 2 * 3 * 128,  # cuDNN's GRU has a second bias, for each gate of each layer and direction
        (16, 37),
        {
            "CNNNetwork": "VGG",
            "VGG": {"Blocks": FLAT},
            "RecurrentNetwork": "BGRU",
            "RecurrentLayers": 2,
            "HiddenNum": 128,
        },
        id="captcha_break, CTC in Keras",
    ),
    pytest.param(
        ((192, 64), 3),
        # PyTorch's LSTM has a second bias, and it does not count the statistics of batch norm.
        3_417_541 - 2 * 2 * 4 * 128 + 2 * 2 * (32 + 64 + 128 + 256 + 256),
        (12, 37),
        {
            "CNNNetwork": "VGG",
            "VGG": {"Blocks": WIDER},
            "RecurrentNetwork": "BLSTM",
            "RecurrentLayers": 2,
            "HiddenNum": 128,
        },
        id="captcha_break, CTC in PyTorch",
    ),
]


@pytest.mark.parametrize(("pictures", "parameters", "scores", "net"), SEEDS)
def test_the_plans_of_the_seeds_have_their_parameters(
    pictures: tuple[tuple[int, int], int], parameters: int, scores: tuple[int, int], net: dict[str, Any]
) -> None:
    size, channels = pictures
    model = built(size, channels, "NUMERIC" if scores[1] == 11 else "ALPHANUMERIC_LOWER", **net)
    assert model.count_params() == parameters
    assert model.output_shape == (None, *scores)


@pytest.mark.parametrize(("width", "name"), [(20, "VGG leaves nothing of pictures of 20x32"), (40, "")])
def test_pictures_that_are_too_small_are_refused(width: int, name: str) -> None:
    plan = {"Blocks": blocks([4, 4], [4, 4], Padding="valid", Pool=[3, 2])}
    if not name:
        assert built((width, 32), CNNNetwork="VGG", VGG=plan).output_shape == (None, 2, 37)
        return
    with pytest.raises(TrainerError, match=name):
        built((width, 32), CNNNetwork="VGG", VGG=plan)


@pytest.mark.parametrize(("net", "channels"), [*((net, 1) for net in NETWORKS), *((net, 3) for net in COLOUR)])
def test_the_exported_graph_computes_what_keras_computes(net: dict[str, Any], channels: int) -> None:
    artifact = network(net, channels)
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    pixels = noise(8, channels)
    expected = np.asarray(artifact.model.predict_on_batch(pixels))
    found = recognizer.logits(pixels)
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    assert expected.std() > 0.01  # the comparison is about something
    _, numbers = recognizer.logits_and_symbols(pixels)
    own = ["".join("0123456789"[number] for number in row if number >= 0) for row in numbers]
    assert own == [reading.text for reading in recognizer.read_pixels(pixels)]


@pytest.mark.parametrize("net", NETWORKS)
def test_a_batch_reads_what_its_pictures_read_alone(net: dict[str, Any]) -> None:
    artifact = network(net)
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    pixels = noise(11, seed=1)
    alone = [recognizer.read_pixels(pixels[row : row + 1])[0].text for row in range(len(pixels))]
    assert [reading.text for reading in recognizer.read_pixels(pixels)] == alone
    assert len(set(alone)) > 1


@pytest.mark.parametrize("net", NETWORKS)
def test_the_graph_holds_no_loop_variable_or_foreign_operation(net: dict[str, Any]) -> None:
    import tensorflow as tf  # noqa: PLC0415 - tests without a network must not wait for it

    definition = tf.compat.v1.GraphDef.FromString(network(net).graph)
    found = {node.op for node in definition.node}
    assert found <= ALLOWED_OPS
    assert not [op for op in found if op.startswith(("While", "TensorList", "Cudnn", "Var", "Read"))]
    assert not definition.library.function
    assert {node.device for node in definition.node} == {""}


def operations(artifact: Artifact) -> list[str]:
    import tensorflow as tf  # noqa: PLC0415 - as above

    return [node.op for node in tf.compat.v1.GraphDef.FromString(artifact.graph).node]


def test_batch_norm_leaves_no_operation_behind_a_convolution() -> None:
    found = operations(network({}))
    assert found.count("Conv2D") == found.count("LeakyRelu") == 5
    assert found.count("Mul") == found.count("AddV2") == 1  # the scaling of the pixels
    assert len(found) < 110
    found = operations(network(NETWORKS[3]))
    assert found.count("Conv2D") == found.count("Relu") == 8
    assert found.count("Mul") == 1


def test_a_gru_is_one_operation_a_frame_and_direction() -> None:
    found = operations(network(NETWORKS[3]))
    assert found.count("GRUBlockCell") == 2 * 12
    assert "BlockLSTMV2" not in found


@pytest.mark.parametrize(("hidden", "megabytes"), [(64, 2.0), (16, 1.5)])
def test_the_files_are_small_and_half_as_large_in_bfloat16(hidden: int, megabytes: float) -> None:
    model = built((150, 50), HiddenNum=hidden)
    from trainer.export.graph import inference_graph  # noqa: PLC0415 - it imports keras

    sizes = [len(inference_graph(model, precision)) / 1e6 for precision in ("float32", "bfloat16")]
    assert sizes[0] <= megabytes
    assert sizes[1] <= 0.52 * sizes[0]


@pytest.mark.parametrize("head", [{}, {"RecurrentNetwork": "None", **FIXED, "MaxLabelNum": 2, "Dense": [16]}])
def test_thousands_of_symbols(head: dict[str, Any]) -> None:
    symbols = "".join(map(chr, range(0x4E00, 0x4E00 + 3600)))
    artifact = make_artifact(small_config(NeuralNet={"HiddenNum": 8, **head}, Model={"CharSet": symbols}))
    assert artifact.model.output_shape[-1] == 3601
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    expected = np.asarray(artifact.model.predict_on_batch(noise(4))).argmax(-1)
    for row, reading in zip(expected.tolist(), recognizer.read_pixels(noise(4)), strict=True):
        runs = row if head else [index for index, _ in itertools.groupby(row)]
        assert reading.text == "".join(symbols[index - 1] for index in runs if index)
