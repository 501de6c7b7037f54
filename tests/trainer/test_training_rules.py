"""What decides about a training: schedule, recipe, when it stops, whether it may go on. Tables, no tensorflow."""

import itertools
from typing import Any

import pytest

from contract.strict import parse_yaml, validate
from tests.conftest import small_config
from trainer.config import TrainConfig, TrainsSection
from trainer.run import differences
from trainer.training.pipeline import Batch
from trainer.training.recipe import choose
from trainer.training.resolved import resolve, to_yaml
from trainer.training.schedule import Staircase, WarmupCosine
from trainer.training.stopping import Standing, out_of_time, reason_to_stop
from trainer.training.waiting import Waiting


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
    ("trains", "pictures", "epochs", "batch_size"),
    [
        ({}, 5_000, 9, 64),  # 45,000 pictures shown
        ({}, 1_000, 45, 32),  # a small set is shown more often, in smaller batches
        ({}, 50_000, 6, 64),  # a large one still six times
        ({"MaxEpochs": 3}, 640, 3, 32),
        ({"BatchSize": 100}, 50_000, 6, 100),
        ({"BatchSize": 500}, 20, 2_250, 20),  # a set smaller than a batch still trains
    ],
)
def test_the_recipe_follows_the_size_of_the_set(
    trains: dict[str, Any], pictures: int, epochs: int, batch_size: int
) -> None:
    recipe = choose(small_config(Trains=trains, Model={"ImageWidth": 160, "ImageHeight": 60}), pictures, "float32")
    assert recipe.batch_size == batch_size
    assert recipe.epoch_steps == -(-pictures // batch_size)
    assert recipe.steps == epochs * recipe.epoch_steps
    assert recipe.plain_from < recipe.steps


def test_small_pictures_are_shown_up_to_twice_as_often() -> None:
    def epochs(width: int, height: int) -> float:
        recipe = choose(small_config(Model={"ImageWidth": width, "ImageHeight": height}), 9_000, "float32")
        return recipe.steps / recipe.epoch_steps

    assert [epochs(200, 60), epochs(160, 60), epochs(80, 60), epochs(40, 30)] == [6, 6, 9, 12]


@pytest.mark.parametrize(
    ("augment", "pictures", "rotate"), [("auto", 1_000, 5), ("auto", 5_000, 2), ("off", 1_000, 0), ("strong", 9_000, 5)]
)
def test_small_sets_are_varied_more(augment: str, pictures: int, rotate: float) -> None:
    assert choose(small_config(Trains={"Augment": augment}), pictures, "float32").strength.rotate == rotate


@pytest.mark.parametrize(
    ("trains", "standing", "reason"),
    [
        ({}, Standing(9, 1.0, 0.1, 50, 999), None),
        ({"EndAcc": 0.9}, Standing(1, 0.9, 5.0, 0, 1), "EndAcc 90.00% is reached in epoch 1"),
        ({"EndAcc": 0.9}, Standing(0, 0.95, 0.1, 0, 1), None),
        ({"EndAcc": 0.9, "EndEpochs": 3}, Standing(2, 0.95, 0.1, 0, 1), None),
        ({"EndAcc": 0.9, "EndEpochs": 3}, Standing(3, 0.89, 0.1, 0, 1), None),
        ({"EndAcc": 0.9, "EndCost": 0.5}, Standing(3, 0.95, 0.6, 0, 1), None),
        ({"EndAcc": 0.9, "EndCost": 0.5}, Standing(3, 0.85, 0.4, 0, 1), None),
        ({"EndAcc": 0.9, "EndCost": 0.5}, Standing(3, 0.9, 0.5, 0, 1), "EndAcc 90.00% and EndCost 0.5 are reached"),
        ({"EndCost": 0.5}, Standing(3, 0.1, 0.4, 0, 1), "EndCost 0.5 is reached in epoch 3"),
        ({"Patience": 4}, Standing(9, 0.5, 0.1, 3, 1), None),
        ({"Patience": 4}, Standing(9, 0.5, 0.1, 4, 1), "no better reading"),
        ({"MaxMinutes": 2.0}, Standing(9, 0.5, 0.1, 0, 2.0), "MaxMinutes 2 are over"),
    ],
)
def test_training_ends_when_the_config_says_so(trains: dict[str, Any], standing: Standing, reason: str | None) -> None:
    found = reason_to_stop(TrainsSection(**trains), standing)
    assert found is None if reason is None else reason in str(found)


def test_the_clock_is_asked_after_each_step() -> None:
    assert not out_of_time(TrainsSection(), 1e9)
    assert out_of_time(TrainsSection(MaxMinutes=1.5), 1.5)


@pytest.mark.parametrize("keys", [{}, {"BatchSize": 7, "MaxEpochs": 3, "DecayRate": 0.5, "DecaySteps": 9}])
def test_what_was_chosen_is_written_down_and_chosen_again(keys: dict[str, Any]) -> None:
    config = small_config(Trains=keys, System={"TestSetNum": 50})
    plan = choose(config, 500, "bfloat16")
    resolved = validate(TrainConfig, parse_yaml(to_yaml(resolve(config, plan, test_pictures=50)), "run"), "run")
    assert choose(resolved, 500, "bfloat16") == plan
    assert resolved.Trains.TestBatchSize == 50
    assert (resolved.Model, resolved.NeuralNet, resolved.System) == (config.Model, config.NeuralNet, config.System)


def test_waiting_for_pictures_is_measured_from_the_second_on() -> None:
    waiting = Waiting(waited=1.0, worked=99.0)
    assert str(waiting) == "Steps waited 1.0% of their time for pictures"
    assert "busy" in str(Waiting(waited=5.0, worked=95.0))
    fresh = Waiting()
    assert len(list(fresh.over(iter([Batch(0, 0), Batch(1, 1)])))) == 2
    assert 0 < fresh.waited < 1
    assert list(fresh.over(iter([]))) == []


def test_what_changed_is_named_by_its_path() -> None:
    earlier = {"Model": {"CharSet": "NUMERIC"}, "seed": 0, "pictures": "abc"}
    now = {"Model": {"CharSet": "ALPHABET"}, "seed": 0, "extra": [1]}
    assert differences(earlier, now) == [
        'Model.CharSet was "NUMERIC", is "ALPHABET"',
        "extra was null, is [1]",
        'pictures was "abc", is null',
    ]
    assert differences(now, now) == []
