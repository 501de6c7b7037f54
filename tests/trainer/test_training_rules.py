"""What decides about a training: schedule, recipe, when it stops, whether it may go on. Tables, no tensorflow."""

import itertools
from typing import Any

import pytest

from tests.conftest import small_config
from trainer.config import TrainsSection
from trainer.run import differences
from trainer.training.recipe import choose
from trainer.training.schedule import Staircase, WarmupCosine
from trainer.training.stopping import Standing, out_of_time, reason_to_stop


def test_warm_up_rises_then_the_cosine_falls_to_a_hundredth() -> None:
    rates = [WarmupCosine(peak=1.0, warmup=10, total=100)(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[10:]))
    assert rates[55] == pytest.approx(0.01 + 0.99 / 2)
    assert rates[100] == pytest.approx(0.01)


def test_the_staircase_is_that_of_the_seed() -> None:
    rate = Staircase(initial=0.01, decay=0.98, every=10_000)
    assert [rate(step) for step in (0, 9_999, 10_000, 25_000)] == pytest.approx([0.01, 0.01, 0.0098, 0.01 * 0.98**2])


@pytest.mark.parametrize(
    ("trains", "pictures", "steps", "epoch_steps", "batch_size"),
    [
        ({}, 5_000, 790, 79, 64),  # 50,000 pictures shown
        ({}, 1_000, 800, 16, 64),  # a small set is shown more often
        ({}, 50_000, 7_820, 782, 64),  # a large one still ten times
        ({"MaxEpochs": 3}, 640, 30, 10, 64),
        ({"BatchSize": 500}, 20, 2_500, 1, 20),  # a set smaller than a batch still trains
    ],
)
def test_the_recipe_follows_the_size_of_the_set(
    trains: dict[str, Any], pictures: int, steps: int, epoch_steps: int, batch_size: int
) -> None:
    recipe = choose(small_config(Trains=trains), pictures, "float32")
    assert (recipe.steps, recipe.epoch_steps, recipe.batch_size) == (steps, epoch_steps, batch_size)
    assert recipe.plain_from < recipe.steps


@pytest.mark.parametrize(
    ("augment", "pictures", "rotate"), [("auto", 1_000, 5), ("auto", 5_000, 2), ("off", 1_000, 0), ("strong", 9_000, 5)]
)
def test_small_sets_are_varied_more(augment: str, pictures: int, rotate: float) -> None:
    assert choose(small_config(Trains={"Augment": augment}), pictures, "float32").strength.rotate == rotate


@pytest.mark.parametrize(
    ("trains", "standing", "reason"),
    [
        ({}, Standing(9, 1.0, 50, 999), None),
        ({"EndAcc": 0.9}, Standing(1, 0.9, 0, 1), "EndAcc 90.00% is reached in epoch 1"),
        ({"EndAcc": 0.9}, Standing(0, 0.95, 0, 1), None),
        ({"EndAcc": 0.9, "EndEpochs": 3}, Standing(2, 0.95, 0, 1), None),
        ({"EndAcc": 0.9, "EndEpochs": 3}, Standing(3, 0.89, 0, 1), None),
        ({"Patience": 4}, Standing(9, 0.5, 3, 1), None),
        ({"Patience": 4}, Standing(9, 0.5, 4, 1), "no better reading"),
        ({"MaxMinutes": 2.0}, Standing(9, 0.5, 0, 2.0), "MaxMinutes 2 are over"),
    ],
)
def test_training_ends_when_the_config_says_so(trains: dict[str, Any], standing: Standing, reason: str | None) -> None:
    found = reason_to_stop(TrainsSection(**trains), standing)
    assert found is None if reason is None else reason in str(found)


def test_the_clock_is_asked_after_each_step() -> None:
    assert not out_of_time(TrainsSection(), 1e9)
    assert out_of_time(TrainsSection(MaxMinutes=1.5), 1.5)


def test_what_changed_is_named_by_its_path() -> None:
    earlier = {"Model": {"CharSet": "NUMERIC"}, "seed": 0, "pictures": "abc"}
    now = {"Model": {"CharSet": "ALPHABET"}, "seed": 0, "extra": [1]}
    assert differences(earlier, now) == [
        'Model.CharSet was "NUMERIC", is "ALPHABET"',
        "extra was null, is [1]",
        'pictures was "abc", is null',
    ]
    assert differences(now, now) == []
