"""The check before a long training: it passes what can be learned, and says what is the matter with what cannot."""

import io
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contract.decode import Decoded
from tests.conftest import small_config
from tests.trainer.test_fit import NOTHING, Told, examples
from trainer.dataset import records
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Record
from trainer.errors import TrainerError
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.training.pipeline import Batch

pytestmark = pytest.mark.train


def packed(folder: Path, labels: list[str] | None = None) -> PackedSet:
    """Pack sixteen pictures of bars, under their own labels or others."""
    drawn = examples(16, 48)
    path = folder / "test.tfrecords"
    records.write(path, [record(drawn.pixels[i], (labels or drawn.labels)[i], str(i)) for i in range(16)])
    return PackedSet({"test": path}, "0" * 64, (16, 48, 1), {"train": 64, "test": 16}, 0)


def record(pixels: Any, label: str, name: str) -> Record:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(buffer, "PNG")
    return Record(pixels.tobytes(), label, name, "0" * 64, buffer.getvalue())


def check(folder: Path, labels: list[str] | None = None, **trains: Any) -> Any:
    import_keras()
    from trainer.training import check as checks  # noqa: PLC0415 - it imports keras

    return checks.check(small_config(Trains=trains, NeuralNet={"HiddenNum": 16}), packed(folder, labels), Silent())


@pytest.mark.parametrize(
    ("count", "least", "batches"),
    [
        (16, 1, [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]),
        (3, 1, [[0, 1], [2]]),
        (1, 1, [[0]]),
        (3, 4, [[0, 1, 0, 1], [2, 2, 2, 2]]),  # four devices, each of which learns from one
        (1, 2, [[0, 0]]),
    ],
)
def test_each_half_has_a_picture_for_each_device(count: int, least: int, batches: list[list[int]]) -> None:
    import_keras()
    from trainer.training.check import halves  # noqa: PLC0415 - it imports keras

    assert [half.tolist() for half in halves(count, least)] == batches


def test_pictures_that_can_be_learned_pass(tmp_path: Path) -> None:
    checked = check(tmp_path)
    assert checked.pictures == 16
    assert str(checked).startswith(f"16 pictures learned by heart in {checked.steps} steps, exported, reloaded")


def test_a_rate_that_learns_nothing_is_measured_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_keras()
    from trainer.training import check as checks  # noqa: PLC0415 - it imports keras

    monkeypatch.setattr(checks, "STEPS", 30)
    rate = r"so low that little can change, for 0\.002 is usual .* raise Trains\.LearningRate"
    with pytest.raises(TrainerError, match=rate):
        check(tmp_path, LearningRate=1e-7)


def test_a_training_that_diverges_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match=r"The loss is no number any more: lower Trains\.LearningRate"):
        check(tmp_path, Optimizer="SGD", LearningRate=1e30, ClipNorm="off")


def test_what_has_not_learned_is_told_and_fails_only_for_a_measured_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keras()
    from trainer.training import check as checks  # noqa: PLC0415 - it imports keras

    monkeypatch.setattr(checks, "STEPS", 3)
    monkeypatch.setattr(checks, "SECONDS", 300.0)  # a busy machine is no failure
    monkeypatch.setattr("trainer.training.learner.Learner.read", lambda _self, pixels, _size: [NOTHING] * len(pixels))
    warming = small_config(NeuralNet={"HiddenNum": 16}, Trains={"LearningRate": 1e-4})  # only 1.5e-5 in its third step
    told = str(checks.check(warming, packed(tmp_path), Silent(), lenient=True))
    assert told.startswith("after 3 steps every picture reads as nothing")
    assert "learning rate 0.0001." in told
    assert "Exported, reloaded and read as before" in told
    slow = small_config(NeuralNet={"HiddenNum": 16}, Trains={"LearningRate": 1e-6})
    with pytest.raises(TrainerError, match=r"raise Trains\.LearningRate"):
        checks.check(slow, packed(tmp_path), Silent(), lenient=True)


def test_time_that_ends_before_a_reading_leaves_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_keras()
    from trainer.training import check as checks  # noqa: PLC0415 - it imports keras

    monkeypatch.setattr(checks, "SECONDS", -1.0)
    read = Decoded("?", 1.0, (1.0,))
    monkeypatch.setattr("trainer.training.learner.Learner.read", lambda _self, pixels, _size: [read] * len(pixels))
    with pytest.raises(TrainerError, match=r"after 1 steps 16 of 16 pictures are still read wrong \(\d+ as \?"):
        check(tmp_path)


def test_a_fixed_head_is_weighed_by_more_labels_than_it_has_classes() -> None:
    import_keras()
    from trainer.training import vitals  # noqa: PLC0415 - it imports keras

    symbols = [chr(0x4E00 + number) for number in range(2000)]
    config = small_config(
        Model={"CharSet": "".join(symbols)}, NeuralNet={"Head": "CrossEntropy", "MaxLabelNum": 1, "HiddenNum": 8}
    )
    learner: Any = SimpleNamespace(steps=200, gradient_norm=lambda _images, _labels: 1.0)
    found = vitals.measure(config, symbols * 3, 2000, learner, 7.0, Batch(None, None))
    assert found.ignoring == pytest.approx(math.log(2000))
    assert (found.rate, found.usual) == (2e-3, 2e-3)


def test_before_a_training_it_has_a_process_of_its_own(tmp_path: Path) -> None:
    import_keras()
    from trainer.training import apart  # noqa: PLC0415 - as above

    told = Told()
    apart.check(small_config(NeuralNet={"HiddenNum": 16}), packed(tmp_path), told)
    assert len(told.sentences) == 2
    assert "exported, reloaded and read" in told.sentences[1].lower()


def test_an_export_that_differs_is_found_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - these import keras
    from trainer.training import rehearsal  # noqa: PLC0415

    config = small_config()
    test = packed(tmp_path).load("test")
    assert len(rehearsal.rehearse(build(config), config, test, 4)) == 4
    other = build(config)
    honest = rehearsal.inference_graph
    monkeypatch.setattr(rehearsal, "inference_graph", lambda _model: honest(other))
    with pytest.raises(TrainerError, match="the exported graph is not the network"):
        rehearsal.rehearse(build(config), config, test, 4)


def test_pixels_that_changed_since_packing_are_found(tmp_path: Path) -> None:
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - these import keras
    from trainer.training import rehearsal  # noqa: PLC0415

    test = packed(tmp_path).load("test")
    test.pixels[0] = np.uint8(0)
    with pytest.raises(TrainerError, match="other pixels than were packed"):
        rehearsal.rehearse(build(small_config()), small_config(), test, 4)
