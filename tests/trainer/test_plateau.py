"""A network that reads nothing is measured, and the measurements lead to the causes that they show."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from trainer.training.plateau import (
    BLANK_SHARES,
    Vitals,
    causes,
    diagnose,
    fixed_loss_of_ignoring,
    loss_of_ignoring,
    rate_causes,
)
from trainer.training.recipe import PEAK_RATES

SOUND = Vitals(
    step=200,
    loss=9.6,
    ignoring=9.7,
    symbols=10,
    length=4.0,
    frames=40,
    needed=5,
    gradient=0.8,
    rate=2e-3,
    usual=2e-3,
    recurrent=True,
)


def spelled(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def test_the_loss_of_ignoring_is_that_of_all_paths_counted() -> None:
    labels, frames, symbols = [(1, 1), (2,), (1, 2)], 4, 2
    best = math.inf
    for blank in BLANK_SHARES:
        share = [blank, (1 - blank) / 2, (1 - blank) / 2]
        chances = dict.fromkeys(labels, 0.0)
        for path in itertools.product(range(3), repeat=frames):
            if spelled(path) in chances:
                chances[spelled(path)] += math.prod(share[symbol] for symbol in path)
        best = min(best, float(np.mean([-math.log(chance) for chance in chances.values()])))
    assert loss_of_ignoring(labels, frames, symbols) == pytest.approx(best)


def test_labels_of_some_symbols_cost_the_same_wherever_these_lie_in_the_character_set() -> None:
    few = loss_of_ignoring([(1, 2), (2, 2)], frames=6, symbols=2)
    assert loss_of_ignoring([(1, 3401), (3401, 3401)], frames=6, symbols=2) == pytest.approx(few)


def test_a_label_that_does_not_fit_costs_infinitely_much() -> None:
    assert loss_of_ignoring([(1, 1, 1)], frames=4, symbols=2) == math.inf


@pytest.mark.parametrize(
    ("measured", "advice"),
    [
        ({}, "nothing is learned from the pictures yet"),
        ({"loss": 5.0}, "it is learning: wait"),
        ({"loss": 9.25}, "NeuralNet.RecurrentNetwork: None each frame has to look at the picture. Try that, or wait."),
        ({"loss": 9.25, "recurrent": False}, "known by now, and none of the symbols: wait."),
        ({"loss": math.nan}, "no number any more: lower Trains.LearningRate"),
        ({"needed": 30}, "too few frames for the labels: NeuralNet.Geometry wide"),
        ({"rate": 0.021}, "high, for 0.002 is usual with this optimizer: lower Trains.LearningRate"),
        ({"rate": 1.9e-5}, "0.002 is usual with this optimizer: raise Trains.LearningRate"),
        ({"gradient": 1e-5}, "the network is stuck"),
        ({"gradient": 1e5}, "The gradient is huge"),
    ],
)
def test_what_is_measured_leads_to_its_cause(measured: dict[str, float], advice: str) -> None:
    text = diagnose(replace(SOUND, **measured))  # type: ignore[arg-type] # a table of fields
    assert advice in text


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("Adadelta", 1.0), ("Adadelta", 0.1), ("SGD", 0.05), ("SGD", 0.1), ("AdamW", 1e-4)]
)
def test_a_rate_that_is_sound_with_its_optimizer_is_no_cause(optimizer: str, rate: float) -> None:
    assert not causes(replace(SOUND, rate=rate, usual=PEAK_RATES[optimizer]))


@pytest.mark.parametrize(("optimizer", "rate", "change"), [("Adadelta", 2e-3, "raise"), ("AdamW", 1.0, "lower")])
def test_a_rate_of_another_optimizer_is_a_cause(optimizer: str, rate: float, change: str) -> None:
    (cause,) = rate_causes(rate, PEAK_RATES[optimizer])
    assert f"{change} Trains.LearningRate" in cause


@pytest.mark.parametrize("measured", [{}, {"loss": 5.0}])
def test_after_the_end_waiting_is_no_advice(measured: dict[str, float]) -> None:
    text = diagnose(replace(SOUND, **measured), over=True)  # type: ignore[arg-type] # a table of fields
    assert text.endswith("train longer (Trains.MaxEpochs).")


def test_every_measurement_is_told() -> None:
    text = diagnose(SOUND)
    for fact in ("200 steps", "9.60 nats", "costs 9.70", "4.0 symbols x log 10 = 9.21", "0.8;", "8.0 frames", "0.002"):
        assert fact in text


def test_a_fixed_head_that_ignores_the_pictures_knows_how_often_each_class_stands_where() -> None:
    labels = [(1, 2), (1, 3), (1,), (2, 2)]
    first = -(3 / 4 * math.log(3 / 4) + 1 / 4 * math.log(1 / 4))
    second = -(2 / 4 * math.log(2 / 4) + 2 * 1 / 4 * math.log(1 / 4))
    assert fixed_loss_of_ignoring(labels, 3) == pytest.approx((first + second + 0) / 3)


def test_of_a_fixed_head_no_frames_are_told() -> None:
    text = diagnose(replace(SOUND, frames=None, needed=30))
    assert "9.60 nats, where ignoring the pictures costs 9.70; gradient norm 0.8; learning rate 0.002." in text
    assert "frame" not in text
