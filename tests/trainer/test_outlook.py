"""A training that ends without reading well says what was measured and what to try."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import small_config
from tests.trainer.test_fit import KEYS, fit
from trainer.progress import Silent
from trainer.run import run_of
from trainer.training.interrupt import Interrupt
from trainer.training.outlook import Ending, advice

POOR = Ending(accuracy=0.4, loss=0.2, test_loss=0.25, symbols=10, longer="Trains.MaxEpochs: 60")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"loss": 2.4, "test_loss": 2.4}, "2.40 nats, where guessing costs 2.30"),
        ({"loss": 2.4, "test_loss": 2.4}, "train longer (Trains.MaxEpochs: 60) or label more pictures"),
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
