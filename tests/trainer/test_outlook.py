"""A training that ends without reading well says what was measured and what to try."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import small_config
from tests.trainer.test_fit import KEYS, fit
from trainer.evaluation.history import Reading
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import run_of
from trainer.training.interrupt import Interrupt
from trainer.training.outlook import Ending, advice
from trainer.training.recipe import choose

POOR = Ending(accuracy=0.4, loss=0.2, test_loss=0.25, symbols=10, longer="Trains.MaxEpochs: 60")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"loss": 2.4, "test_loss": 2.4}, "2.40 nats, where guessing costs 2.30"),
        ({"loss": 2.4, "test_loss": 2.4}, "train longer (Trains.MaxEpochs: 60)."),
        ({"loss": 0.02, "test_loss": 0.6}, "0.02 nats in these and 0.60 in those. More labelled pictures help most"),
        ({}, "It can still learn from these pictures: train longer (Trains.MaxEpochs: 60)."),
        ({"symbols": 1}, "can still learn"),
    ],
)
def test_what_to_try(changes: dict[str, float], expected: str) -> None:
    assert expected in advice(replace(POOR, **changes))  # type: ignore[arg-type]  # of any field


@pytest.mark.parametrize("accuracy", [0.9, 1.0])
def test_nothing_is_said_where_most_is_read(accuracy: float) -> None:
    assert advice(replace(POOR, accuracy=accuracy, loss=3.0)) == ""


@pytest.mark.train
@pytest.mark.parametrize(("goal", "expected"), [({}, "train longer (Trains.MaxEpochs: 2)"), ({"EndCost": 99}, "")])
def test_a_training_says_it_at_its_end_unless_that_was_its_goal(
    goal: dict[str, float], expected: str, tmp_path: Path
) -> None:
    config = small_config(Trains={**KEYS, "MaxEpochs": 1, **goal}, NeuralNet={"HiddenNum": 16})
    fitting = fit(config, run_of(config.Model, tmp_path))
    assert fitting.outlook == ""
    fitting.train(Silent(), Interrupt())
    assert expected in fitting.outlook
    assert bool(fitting.outlook) == bool(expected)


@pytest.mark.train
@pytest.mark.parametrize(
    ("keys", "step", "seconds", "longer"),
    [
        ({}, 20, 60, "Trains.MaxEpochs: 10"),
        ({"MaxMinutes": 3}, 20, 60, "Trains.MaxEpochs: 10"),
        ({"MaxMinutes": 3}, 12, 180, "Trains.MaxMinutes: 6"),
        ({"Patience": 4}, 12, 60, "Trains.Patience: 8"),
        ({"Patience": 4}, 20, 60, "Trains.MaxEpochs: 10"),
    ],
)
def test_what_ended_a_training_would_make_it_longer(
    keys: dict[str, int], step: int, seconds: float, longer: str
) -> None:
    import_keras()
    from trainer.training import vitals  # noqa: PLC0415 - it imports keras

    config = small_config(Trains={**KEYS, "MaxEpochs": 5, **keys})
    last = Reading(step, 1.0, 6.0, 9.0, 0.1, 0.5, rate=1.0, seconds=seconds)
    found = vitals.ending(config, choose(config, 64, "float32"), ["01", "0110"], last, 0.2)
    assert (found.longer, found.accuracy, found.loss, found.test_loss) == (longer, 0.2, 2.0, 3.0)
