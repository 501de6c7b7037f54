"""A warm start keeps what fits, moves each symbol's weights to its new place, and says what it did."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.spec import dump
from tests.conftest import Artifact, scrambled, shared_artifact, small_config
from trainer.errors import TrainerError, UsageError
from trainer.framework import import_keras
from trainer.training.warm import Donor, align, find, with_symbols

OLD = ("a", "b", "c", "d")

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 16, 48, 1), np.uint8)


def weights(classes: int, hidden: int = 3, offset: float = 0.0) -> dict[str, Any]:
    return {
        "Conv2D_0/kernel": np.arange(9.0).reshape(3, 3) + offset,
        "LSTM_0/lstm_cell/kernel": np.ones((3, hidden)) * offset,
        "logits/kernel": np.arange(float(hidden * classes)).reshape(hidden, classes) + offset,
        "logits/bias": np.arange(float(classes)) + offset,
    }


def test_each_symbol_takes_its_weights_along() -> None:
    donor = Donor(Path("old"), weights(5, offset=100.0), OLD)
    values, taken = align(weights(4), ("d", "x", "b"), donor)
    assert str(taken) == "kept 2 symbols, added 1, dropped 2; took over 3 of 3 layers"
    old = donor.weights["logits/kernel"]
    np.testing.assert_array_equal(values["logits/kernel"][:, [0, 1, 3]], old[:, [0, 4, 2]])
    assert values["logits/bias"].tolist() == [100.0, 104.0, 100.0, 102.0]  # the new symbol: as the least likely
    np.testing.assert_array_equal(values["logits/kernel"][:, 2], weights(4)["logits/kernel"][:, 2])
    np.testing.assert_array_equal(values["Conv2D_0/kernel"], donor.weights["Conv2D_0/kernel"])


def test_the_positions_of_a_fixed_head_keep_their_own_weights() -> None:
    old, new = (
        {"logits/kernel": np.random.default_rng(seed).normal(size=(3, 2, 5)), "logits/bias": np.zeros((2, 5))}
        for seed in (0, 1)
    )
    values, taken = align(new, ("b", "a", "c", "d"), Donor(Path("old"), old, OLD))
    assert taken.kept == 4
    np.testing.assert_array_equal(values["logits/kernel"], old["logits/kernel"][..., [0, 2, 1, 3, 4]])


def test_layers_of_another_shape_start_fresh_and_are_named() -> None:
    donor = Donor(Path("old"), weights(5, hidden=7, offset=100.0), OLD)
    values, taken = align(weights(5), OLD, donor)
    assert (taken.kept, taken.added, taken.dropped, taken.layers) == (0, 4, 4, 1)
    assert str(taken).endswith("took over 1 of 3 layers; starting fresh, because they do not fit: LSTM_0, logits")
    np.testing.assert_array_equal(values["logits/kernel"], weights(5)["logits/kernel"])


@pytest.mark.parametrize("name", ["out/a", "out/a/run", "out/a/run/best.npz", "out/a/graph/a_1.0.pb"])
def test_a_donor_is_found_by_folder_file_and_graph(name: str, tmp_path: Path) -> None:
    (tmp_path / "out/a/run").mkdir(parents=True)
    np.savez(tmp_path / "out/a/run/best.npz", **with_symbols(weights(5), OLD))
    (tmp_path / "out/a/graph").mkdir()
    (tmp_path / "out/a/graph/a_1.0.pb").write_bytes(b"exported after that")
    donor = find(tmp_path / name)
    assert donor.symbols == OLD
    assert donor.weights.keys() == weights(5).keys()


def test_a_graph_stands_for_itself_once_its_run_has_gone_on(artifact: Artifact, tmp_path: Path) -> None:
    for folder in ("graph", "run"):
        (tmp_path / folder).mkdir()
    path, best = lone(artifact, tmp_path / "graph"), tmp_path / "run/best.npz"
    np.savez(best, **with_symbols(weights(5), OLD))
    os.utime(path, ns=(2_000_000_000, 2_000_000_000))
    os.utime(best, ns=(1_000_000_000, 1_000_000_000))
    assert find(path).source == best
    os.utime(best, ns=(3_000_000_000, 3_000_000_000))
    assert find(path).graph == artifact.graph
    with pytest.raises(UsageError, match="no weights there"):
        find(path.with_name("small_9.9.pb"))


def test_what_is_no_donor_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the folder of a run"):
        find(tmp_path)
    np.savez(tmp_path / "best.npz", a=np.zeros(1))
    with pytest.raises(UsageError, match="no weights of this trainer"):
        find(tmp_path)
    (tmp_path / "best.npz").write_bytes(b"PK")
    with pytest.raises(UsageError, match="no weights of this trainer"):
        find(tmp_path)


def test_names_of_weights_outlive_a_build_and_tell_them_all_apart() -> None:
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - these import keras
    from trainer.network.naming import named_weights  # noqa: PLC0415

    for net in ({}, {"CNNNetwork": "DenseNet"}, {"RecurrentLayers": 2}):
        first, second = (named_weights(build(small_config(NeuralNet=net))) for _ in range(2))
        assert list(first) == list(second)
        assert len(first) == len(build(small_config(NeuralNet=net)).weights)
    plain, dropping = (named_weights(build(small_config(NeuralNet={"KeepProb": keep}))) for keep in (1.0, 0.5))
    assert list(plain) == list(dropping)


def test_a_learner_that_starts_from_another_reads_as_it_did() -> None:
    import_keras()
    from trainer.network.naming import named_weights  # noqa: PLC0415 - these import keras
    from trainer.training.learner import Learner  # noqa: PLC0415
    from trainer.training.recipe import choose  # noqa: PLC0415

    old_config = small_config(Model={"CharSet": "abcdef"})
    config = small_config(Model={"CharSet": "fxeba"})
    old, new = (Learner(one, choose(one, 64, "float32")) for one in (old_config, config))
    scrambled(old.reader)
    named = {name: np.asarray(weight) for name, weight in named_weights(old.reader).items()}
    taken = new.start_from(Donor(Path("old"), named, old_config.charset.symbols), PIXELS)
    assert str(taken).startswith("kept 4 symbols, added 1, dropped 2; took over ")
    assert not taken.fresh
    new.refresh_reader()
    before, after = next(old.logits(PIXELS, 5)), next(new.logits(PIXELS, 5))
    np.testing.assert_allclose(after[..., [0, 1, 3, 4, 5]], before[..., [0, 6, 5, 2, 1]], atol=1e-4)


SLOW_NETWORKS: list[dict[str, Any]] = [
    {"Geometry": "seed", "RecurrentNetwork": "GRU", "RecurrentLayers": 2},
    {"CNNNetwork": "DenseNet", "RecurrentNetwork": "BGRU"},
    {"CNNNetwork": "DenseNet", "RecurrentNetwork": "None"},
    {"Head": "CrossEntropy", "MaxLabelNum": 3, "Dense": [12], "DensePerPosition": [8], "RecurrentNetwork": "LSTM"},
]


def lone(artifact: Artifact, folder: Path) -> Path:
    """Write a .pb and its YAML into one folder, with no run near, and return the path of the .pb."""
    (folder / "small_1.0.pb").write_bytes(artifact.graph)
    (folder / "small_1.0.yaml").write_bytes(dump(artifact.spec))
    return folder / "small_1.0.pb"


@pytest.mark.parametrize("net", [{}, *[pytest.param(net, marks=pytest.mark.slow) for net in SLOW_NETWORKS]])
def test_a_network_that_starts_from_a_lone_graph_reads_as_the_graph_does(net: dict[str, Any], tmp_path: Path) -> None:
    import_keras()
    from trainer.training.learner import Learner  # noqa: PLC0415 - these import keras
    from trainer.training.recipe import choose  # noqa: PLC0415

    artifact = shared_artifact(NeuralNet=net)
    config = artifact.config
    learner = Learner(config, choose(config, 64, "float32"))
    taken = learner.start_from(find(lone(artifact, tmp_path)), PIXELS)
    assert not taken.fresh
    assert (taken.kept, taken.added, taken.dropped) == (10, 0, 0)
    learner.refresh_reader()
    expected = artifact.model.predict_on_batch(PIXELS)
    np.testing.assert_allclose(next(learner.logits(PIXELS, 5)), expected, atol=1e-4 * np.abs(expected).max())


def test_batch_norms_from_a_graph_hold_the_statistics_of_the_pictures(artifact: Artifact) -> None:
    import_keras()
    import keras  # noqa: PLC0415 - late, as the next

    from trainer.training import graph_donor  # noqa: PLC0415

    model = scrambled(keras.models.clone_model(artifact.model), seed=1)
    before = model.predict_on_batch(PIXELS)
    graph_donor.settle(model, PIXELS)
    np.testing.assert_allclose(model.predict_on_batch(PIXELS), before, atol=1e-4 * np.abs(before).max())
    # Then the first layers see in training what they see in reading.
    norm = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    first = keras.Model(model.inputs[0], norm.output)
    np.testing.assert_allclose(first(PIXELS, training=True), first(PIXELS, training=False), atol=1e-3)


def test_a_graph_without_known_weights_is_refused(artifact: Artifact) -> None:
    import_keras()
    import tensorflow as tf  # noqa: PLC0415 - late, as the next

    from trainer.training import graph_donor  # noqa: PLC0415

    with tf.Graph().as_default() as graph:
        tf.identity(tf.compat.v1.placeholder(tf.float32, [None, 4], name="input"), name="dense_decoded")
    with pytest.raises(UsageError, match="give a model that this trainer exported"):
        graph_donor.weights_for(artifact.model, graph.as_graph_def().SerializeToString(), "foreign.pb")
    with pytest.raises(UsageError, match="no graph of this trainer"):
        graph_donor.weights_for(artifact.model, b"no graph", "foreign.pb")


def test_a_lone_graph_needs_its_own_yaml(artifact: Artifact, tmp_path: Path) -> None:
    path = lone(artifact, tmp_path)
    assert find(path).symbols == artifact.config.charset.symbols
    path.write_bytes(artifact.graph + b"\0")
    with pytest.raises(UsageError, match="not the graph that"):
        find(path)
    path.with_suffix(".yaml").write_text("Model: {ModelName: seed, CharSet: NUMERIC}\nSystem: {}\n")
    with pytest.raises(UsageError, match="not described by a YAML of this trainer"):
        find(path)
    path.with_suffix(".yaml").unlink()
    with pytest.raises(UsageError, match="its YAML"):
        find(path)


def test_weights_of_another_network_or_alphabet_are_refused() -> None:
    import_keras()
    from trainer.training.learner import Learner, reader_with  # noqa: PLC0415 - these import keras
    from trainer.training.recipe import choose  # noqa: PLC0415

    config = small_config(Model={"CharSet": "abc"})
    saved = Learner(config, choose(config, 64, "float32")).reader_weights()
    assert reader_with(config, saved).count_params() > 0
    for other in (
        small_config(Model={"CharSet": "abd"}),
        small_config(Model={"CharSet": "abcd"}),
        small_config(Model={"CharSet": "abc"}, NeuralNet={"HiddenNum": 9}),
        small_config(Model={"CharSet": "abc"}, NeuralNet={"CNNNetwork": "DenseNet"}),
    ):
        with pytest.raises(TrainerError, match="another network or character set"):
            reader_with(other, saved)
