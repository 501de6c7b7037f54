"""Training itself: it learns, it goes on exactly where it was killed, and it always leaves the best model."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.decode import Decoded
from tests.conftest import small_config
from trainer.config import TrainConfig
from trainer.dataset.records import Examples
from trainer.errors import TrainerError
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import Run, RunChangedError, run_of
from trainer.training.interrupt import Interrupt

pytestmark = pytest.mark.train

NOTHING = Decoded("", 1.0, ())

KEYS: dict[str, Any] = {"BatchSize": 16, "Augment": "off", "Precision": "float32", "SavedSteps": 4}


def examples(count: int, width: int, seed: int = 0) -> Examples:
    """Bars at two heights stand for 0 and 1: pictures that any network learns in seconds."""
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 2, (count, 3))
    pixels = rng.integers(200, 256, (count, 16, 48, 1), np.uint8)
    for row, labels in enumerate(digits):
        for place, digit in enumerate(labels):
            top = 2 if digit else 9
            pixels[row, top : top + 5, 16 * place + 4 : 16 * place + 12] = 20
    texts = ["".join(map(str, labels)) for labels in digits]
    pixels = np.repeat(pixels, width // 48, axis=2)
    return Examples(pixels, texts, texts, texts, [b""] * count)


def fit(config: TrainConfig, run: Run, count: int = 64) -> Any:
    import_keras()
    from trainer.training import fit as fits  # noqa: PLC0415 - these import keras
    from trainer.training import recipe  # noqa: PLC0415

    run.make()
    width, _ = config.input_size
    sets = fits.Sets(examples(count, width), examples(32, width, seed=1))
    return fits.Fit(config, recipe.choose(config, count, "float32"), sets, run)


@pytest.mark.parametrize(
    "net",
    [{}, {"CNNNetwork": "DenseNet"}, {"RecurrentNetwork": "LSTM"}, {"Geometry": "seed", "RecurrentLayers": 2}],
    ids=str,
)
def test_each_network_learns_64_pictures(net: dict[str, Any], tmp_path: Path) -> None:
    # The seed's geometry makes 3 frames of 48 pixels, too few to write 000; of 96 pixels it makes 6.
    model = {"ImageWidth": 96} if net.get("Geometry") == "seed" else {}
    trains = {**KEYS, "MaxEpochs": 60, "EndAcc": 1.0}
    config = small_config(NeuralNet={"HiddenNum": 16, **net}, Trains=trains, Model=model)
    run = run_of(config.Model, tmp_path)
    reason = fit(config, run).train(Silent(), Interrupt())
    assert "EndAcc 100.00% is reached" in reason
    assert run.best.exists()
    lines = run.history.read_text().splitlines()
    assert lines[0].startswith("step,epoch,loss,test_loss,accuracy")
    assert float(lines[-1].split(",")[4]) == 1.0


class InterruptAfter(Interrupt):
    """Asks to stop, or dies, after some steps."""

    def __init__(self, steps: int, error: type[BaseException] | None = None) -> None:
        self._left = steps
        self._error = error
        super().__init__()

    @property
    def requested(self) -> bool:
        self._left -= 1
        if self._left == 0 and self._error:
            raise self._error
        return self._left <= 0

    @requested.setter
    def requested(self, value: bool) -> None:
        pass


STRONG = small_config(Trains={**KEYS, "MaxEpochs": 5, "Augment": "strong"}, NeuralNet={"KeepProb": 0.9})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of STRONG that nothing interrupted."""
    run = run_of(STRONG.Model, tmp_path_factory.mktemp("whole"))
    fit(STRONG, run).train(Silent(), Interrupt())
    return run


@pytest.mark.parametrize("died_after", [3, 9, 14])
def test_a_killed_run_goes_on_exactly(died_after: int, whole: Run, tmp_path: Path) -> None:
    killed = run_of(STRONG.Model, tmp_path / "killed")
    with pytest.raises(KeyboardInterrupt):
        fit(STRONG, killed).train(Silent(), InterruptAfter(died_after, KeyboardInterrupt))
    fit(STRONG, killed).train(Silent(), Interrupt())
    with np.load(whole.state) as expected, np.load(killed.state) as found:
        names = [name for name in expected if name != "position"]
        assert len(names) > 50
        for name in names:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


class Told(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def test_a_blank_plateau_is_told_and_looking_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small_config(Trains={**KEYS, "MaxEpochs": 4})
    told = Told()
    fit(config, run_of(config.Model, tmp_path / "plain")).train(Silent(), Interrupt())
    rated(monkeypatch, {16: 0.0})
    monkeypatch.setattr("trainer.training.plateau.LOOK_AT", {14})
    monkeypatch.setattr("trainer.training.learner.Learner.read", lambda _self, pixels, _size: [NOTHING] * len(pixels))
    looked = fit(config, run_of(config.Model, tmp_path / "looked"))
    looked.train(told, Interrupt())
    assert looked.outlook == ""  # what is to be said was said
    for sentence, steps, advice in zip(told.sentences, (14, 16), ("wait", "train longer"), strict=True):
        assert sentence.startswith(f"No text yet: after {steps} steps every picture reads as nothing: loss ")
        assert "frames per symbol" in sentence
        assert sentence.endswith((f": {advice}.", f"if so, {advice}.", f"{advice} (Trains.MaxEpochs)."))
    states = [run_of(config.Model, tmp_path / name).state for name in ("plain", "looked")]
    with np.load(states[0]) as expected, np.load(states[1]) as found:
        for name in expected:
            if name != "position":
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_table_that_a_spreadsheet_holds_open_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keras()
    from trainer.training import journal  # noqa: PLC0415 - as above

    def held(path: Path, _content: bytes) -> None:
        raise PermissionError(13, "in use", str(path))

    monkeypatch.setattr(journal, "write_atomically", held)
    config = small_config(Trains={**KEYS, "MaxEpochs": 1})
    run, told = run_of(config.Model, tmp_path), Told()
    assert fit(config, run).train(told, Interrupt()) == "all 4 steps are done"
    assert run.best.exists()
    assert f"warning: {run.history} stays as it is: in use; close what has it open" in told.sentences


def test_a_training_that_diverges_ends_with_what_to_do_and_keeps_the_best(tmp_path: Path) -> None:
    config = small_config(Trains={**KEYS, "MaxEpochs": 5})
    run = run_of(config.Model, tmp_path)
    fitting = fit(config, run)
    learn = fitting._learner.step
    fitting._learner.step = lambda *batch: learn(*batch) if fitting.position.step < 6 else math.nan
    with pytest.raises(TrainerError, match=r"after 6 steps the loss is no number any more: lower .* with --fresh"):
        fitting.train(Silent(), Interrupt())
    assert run.best.exists()
    assert fit(config, run).position.step <= 6


def test_weights_that_are_no_numbers_replace_none(tmp_path: Path) -> None:
    config = small_config(Trains={**KEYS, "MaxEpochs": 5, "EMA": "off"})
    run = run_of(config.Model, tmp_path)
    fitting = fit(config, run)
    learner = fitting._learner
    learn, best = learner.step, b""

    def step(*batch: Any) -> float:
        nonlocal best
        loss: float = learn(*batch)
        if fitting.position.step == 7:  # the step before the second reading
            best = run.best.read_bytes()
            learner._model.trainable_variables[-1].assign(learner._model.trainable_variables[-1] * math.nan)
        return loss

    learner.step = step
    with pytest.raises(TrainerError, match="after 8 steps the loss is no number any more"):
        fitting.train(Silent(), Interrupt())
    assert run.best.read_bytes() == best


def test_a_stopped_run_leaves_the_best_model_and_can_go_on(tmp_path: Path) -> None:
    config = small_config(Trains={**KEYS, "MaxEpochs": 5})
    run = run_of(config.Model, tmp_path)
    assert fit(config, run).train(Silent(), InterruptAfter(5)) == "interrupted"
    assert run.best.exists()
    fitting = fit(config, run)
    assert 0 < fitting.position.step < 20
    assert "all 20 steps are done" in fitting.train(Silent(), Interrupt())
    assert "all 20 steps are done" in fit(config, run).train(Silent(), Interrupt())  # done once, not again


def test_a_goal_that_is_reached_while_ctrl_c_is_pressed_stays_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keras()
    rated(monkeypatch, {4: 0.5, 8: 0.9})
    config = small_config(Trains={**KEYS, "MaxEpochs": 9, "ValidationSteps": 4, "EndAcc": 0.9})
    run = run_of(config.Model, tmp_path)
    reason = fit(config, run).train(Silent(), InterruptAfter(9))
    assert "EndAcc 90.00% is reached" in reason
    again = fit(config, run)
    assert again.train(Silent(), Interrupt()) == reason
    assert again.position.step == 8


def rated(monkeypatch: pytest.MonkeyPatch, accuracies: dict[int, float]) -> None:
    """Let readings of the test set have these accuracies, by the step; 0.1 elsewhere."""
    from trainer.training import fit as fits  # noqa: PLC0415 - it imports keras

    weighed = fits.Fit._score

    def score(fitting: Any) -> tuple[Any, float]:
        found, loss = weighed(fitting)
        return replace(found, correct=round(1000 * accuracies.get(fitting.position.step, 0.1)), pictures=1000), loss

    monkeypatch.setattr(fits.Fit, "_score", score)


def test_the_reading_of_an_interruption_is_exported_and_then_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keras()
    rated(monkeypatch, {4: 0.5, 6: 0.9, 8: 0.4, 12: 0.3, 16: 0.3})
    config = small_config(Trains={**KEYS, "MaxEpochs": 9, "ValidationSteps": 4, "Patience": 3})
    whole, halted = run_of(config.Model, tmp_path / "whole"), run_of(config.Model, tmp_path / "halted")
    expected = fit(config, whole)
    reason = expected.train(Silent(), Interrupt())
    assert "in the last 3 (Patience)" in reason
    stopped = fit(config, halted)
    stopped.train(Silent(), InterruptAfter(7))  # asked once more at the reading after step 4
    assert (stopped.position.step, stopped.best_accuracy) == (6, 0.9)
    assert halted.best.read_bytes() != halted.regular.read_bytes()
    found = fit(config, halted)
    assert found.train(Silent(), Interrupt()) == reason
    assert found.position.step == expected.position.step == 16
    assert found.best_accuracy == expected.best_accuracy == 0.5
    lines = [reading for reading in found.position.history if reading.step != 6]
    assert [line.loss for line in lines] == [line.loss for line in expected.position.history]
    with np.load(whole.best) as best, np.load(halted.best) as again:
        for name in best:
            np.testing.assert_array_equal(again[name], best[name], err_msg=name)
    assert not halted.regular.exists()


def test_max_minutes_end_a_training(tmp_path: Path) -> None:
    config = small_config(Trains={**KEYS, "MaxEpochs": 500, "MaxMinutes": 0.01})
    reason = fit(config, run_of(config.Model, tmp_path)).train(Silent(), Interrupt())
    assert reason == "MaxMinutes 0.01 are over"


def test_a_run_that_was_over_goes_on_when_its_limit_is_raised(tmp_path: Path) -> None:
    short = small_config(Trains={**KEYS, "MaxEpochs": 500, "MaxMinutes": 0.01})
    run = run_of(short.Model, tmp_path)
    fit(short, run).train(Silent(), Interrupt())
    steps = fit(short, run).position.step
    assert fit(short, run).train(Silent(), Interrupt()) == "MaxMinutes 0.01 are over"
    assert fit(short, run).position.step == steps
    minutes = fit(short, run).position.seconds / 60 + 0.04  # its first step alone may take longer than it was to last
    longer = small_config(Trains={**KEYS, "MaxEpochs": 500, "MaxMinutes": minutes})
    assert fit(longer, run).train(Silent(), Interrupt()) == f"MaxMinutes {minutes:g} are over"
    assert fit(longer, run).position.step > steps


def test_a_changed_run_is_refused_and_says_what_changed(tmp_path: Path) -> None:
    run = run_of(small_config().Model, tmp_path)
    run.make()
    run.begin({"CharSet": "NUMERIC"}, {})
    run.begin({"CharSet": "ALPHABET"}, {})  # nothing was trained yet: nothing can be lost
    run.state.write_bytes(b"a checkpoint")
    with pytest.raises(RunChangedError, match=r'CharSet was "ALPHABET", is "NUMERIC"\. .*--fresh'):
        run.begin({"CharSet": "NUMERIC"}, {})
    run.clear()
    run.begin({"CharSet": "NUMERIC"}, {})
    shutil.rmtree(run.folder)


def test_the_loss_of_the_test_set_is_that_of_every_picture_whatever_the_batches() -> None:
    import_keras()
    from trainer.training import recipe  # noqa: PLC0415 - these import keras
    from trainer.training.learner import Learner  # noqa: PLC0415
    from trainer.training.pipeline import label_matrix  # noqa: PLC0415

    config = small_config(Trains=KEYS)
    learner, five = Learner(config, recipe.choose(config, 64, "float32")), examples(5, 48, seed=2)
    labels = label_matrix(five.labels, config.charset)
    alone = [learner.read_and_weigh(five.pixels[n : n + 1], labels[n : n + 1], 1)[1] for n in range(5)]
    items, loss = learner.read_and_weigh(five.pixels, labels, batch_size=2)
    assert loss == pytest.approx(np.mean(alone), rel=1e-5)
    assert items == learner.read(five.pixels, batch_size=2)
