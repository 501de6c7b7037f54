"""A warm start keeps what fits, moves each symbol's weights to its new place, and says what it did."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import scrambled, small_config
from trainer.errors import TrainerError, UsageError
from trainer.framework import import_keras
from trainer.training.warm import Donor, align, find, with_symbols

OLD = ("a", "b", "c", "d")


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
    donor = find(tmp_path / name)
    assert donor.symbols == OLD
    assert donor.weights.keys() == weights(5).keys()


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
    taken = new.start_from(Donor(Path("old"), named, old_config.charset.symbols))
    assert str(taken).startswith("kept 4 symbols, added 1, dropped 2; took over ")
    assert not taken.fresh
    new.refresh_reader()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 48, 1), np.uint8)
    before, after = old.logits(pixels, 5)[0], new.logits(pixels, 5)[0]
    np.testing.assert_allclose(after[..., [0, 1, 3, 4, 5]], before[..., [0, 6, 5, 2, 1]], atol=1e-4)


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
