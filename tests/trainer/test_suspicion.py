"""Suspects: a wrong label is found by a network that never saw it; and the preview shows what training sees."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.decode import Decoded
from tests.conftest import small_config
from tests.trainer.test_fit import examples
from trainer.cli import suspects
from trainer.dataset import records
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples, Record
from trainer.errors import TrainerError, UsageError
from trainer.evaluation.relabel import Proposal, from_csv
from trainer.evaluation.sheet import contact_sheet
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import run_of
from trainer.training import heldout, suspicion
from trainer.training.suspicion import Found, Search, fold_numbers


def packed(folder: Path, train: Examples, test: Examples) -> PackedSet:
    files = {"train": folder / "train", "test": folder / "test"}
    for side, given in (("train", train), ("test", test)):
        rows = zip(given.pixels, given.labels, given.names, strict=True)
        records.write(files[side], [Record(pixels.tobytes(), label, name, "0" * 64) for pixels, label, name in rows])
    return PackedSet(files, "0" * 64, (16, 48, 1), {"train": len(train), "test": len(test)}, 0)  # type: ignore[arg-type] # sides


def test_equal_pixels_share_a_fold_and_folds_are_even() -> None:
    given = examples(600, 48)
    doubled = suspicion.joined(given, given)
    numbers = fold_numbers(doubled, 3)
    assert (numbers[:600] == numbers[600:]).all()
    assert all(150 < (numbers == fold).sum() < 600 for fold in range(3))


def test_readings_of_several_moments_are_taken_together() -> None:
    moments = [
        [Decoded("12", 0.9, ()), Decoded("3", 0.9, ()), Decoded("5", 0.2, ())],
        [Decoded("12", 0.6, ()), Decoded("8", 0.5, ()), Decoded("6", 0.2, ())],
        [Decoded("12", 0.9, ()), Decoded("8", 0.6, ()), Decoded("6", 0.1, ())],
    ]
    verdicts = heldout.pooled(moments)
    assert [verdict.text for verdict in verdicts] == ["12", "8", "6"]
    assert [verdict.confidence for verdict in verdicts] == pytest.approx([0.8, 1.1 / 3, 0.1])


@pytest.mark.parametrize(
    ("agreed", "ends"),
    [
        ([], False),
        ([0.97, 0.97], False),  # too few to tell
        ([0.1, 0.97, 0.974, 0.974], True),
        ([0.95, 0.96, 0.97], False),  # it still gets better
        ([0.97, 0.96, 0.95], True),
        ([0.85, 0.86, 0.85], False),  # it may yet
        ([0.1, 0.1, 0.1], False),  # it has not begun to read
    ],
)
def test_a_training_ends_when_it_reads_no_better(agreed: list[float], ends: bool) -> None:
    assert heldout.has_learned(agreed) == ends


def test_networks_that_cannot_read_are_not_believed() -> None:
    assert "means little" in str(Found([], 0.5))
    assert "some of these are their own misreadings" in str(Found([], 0.9))
    assert str(Found([], 0.96)).startswith("0 labels to doubt; networks that had not seen them read 96.0%")


@pytest.mark.train
def test_planted_wrong_labels_are_found_on_both_sides(tmp_path: Path) -> None:
    import_keras()
    train, test = examples(240, 48), examples(60, 48, seed=1)
    train = replace(train, names=[f"train {i}" for i in range(240)])
    test = replace(test, names=[f"test {i}" for i in range(60)])
    truth = {name: label for given in (train, test) for name, label in zip(given.names, given.labels, strict=True)}
    planted = [*train.names[:8], *test.names[:2]]
    for given in (train, test):
        for place, name in enumerate(given.names):
            if name in planted:
                given.labels[place] = "".join("1" if symbol == "0" else "0" for symbol in truth[name])
    config = small_config(Trains={"BatchSize": 16, "MaxEpochs": 20, "Augment": "off"}, NeuralNet={"HiddenNum": 16})
    found = suspicion.find(config, packed(tmp_path, train, test), Search(folds=2, confidence=0.5), Silent())
    assert {one.name for one in found.proposals} == set(planted)
    assert all(one.label == truth[one.name] and one.was != one.label for one in found.proposals)
    # The planted ones never agree; a few others may be misread too, but with too little confidence to be listed.
    assert 1 - (len(planted) + 5) / 300 <= found.agreement <= 1 - len(planted) / 300
    share = f"{found.agreement:.1%}"
    assert str(found) == f"10 labels to doubt; networks that had not seen them read {share} of the pictures as labelled"
    run = run_of(config.Model, tmp_path)
    suspicion.write(run.relabel, found.proposals)
    assert run.relabel.read_text("utf-8").startswith("file,label,was,confidence\n")


@pytest.mark.train
def test_a_network_that_diverges_ends_the_search_with_a_sentence(tmp_path: Path) -> None:
    import_keras()
    trains = {"LearningRate": 1e30, "ClipNorm": "off", "Optimizer": "SGD", "MaxEpochs": 5}
    with pytest.raises(TrainerError, match="the loss is no number any more"):
        suspicion.find(
            small_config(Trains=trains), packed(tmp_path, examples(40, 48), examples(9, 48)), Search(folds=2), Silent()
        )


def test_too_few_pictures_for_the_folds_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="3 pictures cannot be split into 9 folds"):
        suspicion.find(small_config(), packed(tmp_path, examples(2, 48), examples(1, 48)), Search(folds=9), Silent())


@pytest.mark.parametrize("folds", [1, 0, -2])
def test_folds_that_are_none_are_explained(folds: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give --folds 2 or more"):
        suspicion.find(small_config(), packed(tmp_path, examples(9, 48), examples(9, 48)), Search(folds), Silent())


def test_the_rate_falls_where_there_are_no_readings_to_wait_for() -> None:
    plan = heldout.plan_for(small_config(Trains={"DecayRate": 0.5, "DecayPatience": 2}), 5_000, "float32")
    assert plan.rate(plan.steps) < plan.rate(plan.steps // 2) / 10
    steps = heldout.plan_for(small_config(Trains={"DecayRate": 0.5, "DecaySteps": 9}), 5_000, "float32")
    assert [steps.rate(step) for step in (0, 9)] == [0.002, 0.001]  # what else the config says is kept


@pytest.mark.parametrize("content", ["file,label\na.png,\u00e9\n".encode("cp1252"), "file,label\n".encode("utf-16")])
def test_a_table_in_another_encoding_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "relabel.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"relabel\.csv: .*: save it again as UTF-8, or delete it"):
        suspicion.recall(small_config(), path)


class Told(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def test_what_a_person_edited_is_kept_by_the_next_search(tmp_path: Path) -> None:
    path = tmp_path / "run" / "relabel.csv"
    found = [Proposal("a.png", "1", "2", 0.9)]
    assert [suspicion.write(path, found), suspicion.write(path, found)] == [None, None]
    edits = [f"file,label\na.png,{number}\n" for number in range(3)]
    for edit in edits:
        path.write_text(edit, "utf-8")
        assert suspicion.write(path, found)
        assert from_csv(path.read_text("utf-8"), "test") == found
    assert {one.read_text("utf-8") for one in path.parent.iterdir()} >= {*edits}


def test_pictures_that_have_moved_cost_no_report(tmp_path: Path) -> None:
    import_keras()
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    config, told = small_config(System={"TrainsPath": str(tmp_path / "moved")}), Told()
    run = run_of(config.Model, tmp_path)
    suspicion.write(run.relabel, [Proposal("a.png", "1", "2", 0.9)])
    assert story._suspects(config, run, told) == []
    assert "moved" in told.sentences[0]
    assert told.sentences[0].endswith("the report leaves the suspects out")


def test_a_report_that_another_writes_costs_no_search(tmp_path: Path) -> None:
    config, told = small_config(), Told()
    run, nothing = run_of(config.Model, tmp_path), packed(tmp_path, examples(2, 48), examples(1, 48))
    with run.alone():
        assert not suspects._into_report(run, config, nothing, [], told)
    assert "is in use by" in told.sentences[0]
    assert "the model's report leaves the suspects out" in told.sentences[0]


def test_a_sheet_holds_every_picture_pixel_by_pixel() -> None:
    pixels = examples(10, 48).pixels
    sheet = np.asarray(Image.open(io.BytesIO(contact_sheet(pixels, ["label"] * 10))).convert("L"))
    for picture in pixels:
        enlarged = picture[..., 0].repeat(2, axis=0).repeat(2, axis=1)
        height, width = enlarged.shape
        places = np.argwhere(sheet[: -height + 1, : -width + 1] == enlarged[0, 0])
        assert any((sheet[y : y + height, x : x + width] == enlarged).all() for y, x in places)
