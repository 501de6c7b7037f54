"""A network of each kind learns pictures by heart; what is exported of it reads them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import small_config
from tests.trainer.test_check import record
from trainer.dataset import records
from trainer.dataset.pack import PackedSet
from trainer.framework import import_keras
from trainer.progress import Silent

pytestmark = pytest.mark.train

SMALL_VGG = {"Blocks": [{"Filters": [16]}, {"Filters": [32]}, {"Filters": [32], "Pool": [1, 2], "KeepProb": 0.9}]}
SMALL_DENSE = {"Stem": 16, "Growth": 8, "Blocks": [3, 3], "Transitions": [32]}


def packed(folder: Path) -> PackedSet:
    """Pack pictures of one to four digits, each digit four blocks above each other that are dark or not."""
    rng = np.random.default_rng(0)
    written = []
    for name in range(16):
        digits = rng.integers(0, 10, rng.integers(1, 5))
        pixels = rng.integers(200, 256, (16, 48, 1), np.uint8)
        for place, digit in enumerate(digits):
            for block in range(4):
                if (digit + 1) >> block & 1:
                    pixels[4 * block : 4 * block + 4, 12 * place + 2 : 12 * place + 10] = 20
        written.append(record(pixels, "".join(map(str, digits)), str(name)))
    records.write(folder / "test.tfrecords", written)
    return PackedSet({"test": folder / "test.tfrecords"}, "0" * 64, (16, 48, 1), {"train": 64, "test": 16}, 0)


@pytest.mark.parametrize(
    "net",
    [
        {"RecurrentNetwork": "BGRU"},
        {"RecurrentNetwork": "None", "KeepProb": 0.9},
        {"CNNNetwork": "DenseNet", "DenseNet": SMALL_DENSE, "RecurrentNetwork": "GRU"},
        {"CNNNetwork": "VGG", "VGG": SMALL_VGG, "RecurrentNetwork": "LSTM"},
        {"CNNNetwork": "VGG", "VGG": SMALL_VGG, "RecurrentNetwork": "None", "Head": "CrossEntropy", "MaxLabelNum": 4},
    ],
)
def test_pictures_are_learned_by_heart(net: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_keras()
    from trainer.training import check as checks  # noqa: PLC0415 - it imports keras

    monkeypatch.setattr(checks, "SECONDS", 300.0)  # a busy machine is no failure; the steps are counted all the same
    config = small_config(NeuralNet={"HiddenNum": 16, **net})
    assert checks.check(config, packed(tmp_path), Silent()).pictures == 16
