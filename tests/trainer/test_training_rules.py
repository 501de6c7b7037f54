"""What decides about a training: schedule, recipe, when it stops, whether it may go on. Tables, no tensorflow."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.strict import parse_yaml, validate
from tests.conftest import small_config
from trainer.config import TrainConfig, TrainsSection
from trainer.errors import UsageError
from trainer.evaluation.history import Reading
from trainer.run import differences
from trainer.training.pipeline import Batch
from trainer.training.recipe import choose
from trainer.training.resolved import resolve, to_yaml
from trainer.training.schedule import Constant, Staircase, StepDown, WarmupCosine
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


def reading(step: int, accuracy: float, wrong: float = 0.5) -> Reading:
    return Reading(step, 1.0, 1.0, 1.0, accuracy, wrong, rate=1.0, seconds=1.0)


@pytest.mark.parametrize(
    ("accuracies", "times"),
    [
        ([], 0),
        ([0.5, 0.4], 0),
        ([0.5, 0.4, 0.5], 1),  # two that are no better
        ([0.5, 0.4, 0.6, 0.6], 0),  # one of them was better
        ([0.5, 0.4, 0.6, 0.6, 0.6], 1),
        ([0.5, 0.4, 0.4, 0.4, 0.4], 2),  # and two more
        ([0.5, 0.4, 0.4, 0.4, 0.45, 0.6, 0.6], 2),
    ],
)
def test_the_rate_steps_down_where_the_readings_stay(accuracies: list[float], times: int) -> None:
    rate = StepDown(initial=0.1, decay=0.5, patience=2, every=10)
    readings = [reading(10 * place, accuracy) for place, accuracy in enumerate(accuracies, start=1)]
    assert rate(10 * len(readings), readings) == 0.1 * 0.5**times


def test_a_training_that_would_never_see_most_symbols_is_refused() -> None:
    many = {"CharSet": "".join(chr(0x4E00 + index) for index in range(301))}
    keys: dict[str, Any] = {"System": {"TrainsPath": "synthetic"}, "Model": many}
    config = small_config(**keys, Synthetic={"Curriculum": 900_000})
    with pytest.raises(UsageError, match=r"Curriculum has 900,000 pictures of few symbols.* raise Trains\.MaxEpochs"):
        choose(config, 20_000, "float32")
    for epoch in (1_000, 20_000):
        plan = choose(small_config(**keys, Synthetic={"Epoch": epoch}), epoch, "float32")
        assert 0 < plan.beginning <= plan.steps / 4


def test_readings_of_the_beginning_move_no_rate() -> None:
    readings = [reading(10 * place, 0.0) for place in range(1, 9)]
    rates = [StepDown(1.0, 0.5, patience=2, every=10, beginning=steps)(80, readings) for steps in (0, 40, 50, 80)]
    assert rates == [0.125, 0.5, 0.5, 1.0]


def test_fewer_wrong_characters_are_better() -> None:
    rate = StepDown(initial=0.1, decay=0.5, patience=2, every=10)
    wrong = [0.9, 0.8, 0.7, 0.6]
    assert rate(40, [reading(10 * place, 0.0, cer) for place, cer in enumerate(wrong, start=1)]) == 0.1
    assert rate(40, [reading(10 * place, 0.0, cer) for place, cer in enumerate(wrong[::-1], start=1)]) == 0.05


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3]), st.booleans()), max_size=30), st.integers(1, 4))
def test_readings_between_the_regular_ones_change_no_rate(drawn: list[tuple[float, bool]], patience: int) -> None:
    rate = StepDown(initial=1.0, decay=0.5, patience=patience, every=10)
    regular = [reading(10 * place, accuracy) for place, (accuracy, _) in enumerate(drawn, start=1)]
    more = [reading(10 * place + 3, 0.9) for place, (_, interrupted) in enumerate(drawn, start=1) if interrupted]
    readings = sorted([*regular, *more], key=lambda item: item.step)
    rates = [rate(step, [item for item in readings if item.step <= step]) for step in range(10 * len(drawn) + 10)]
    assert rates == [rate(step, regular) for step in range(len(rates))]
    assert all(later in (earlier, earlier / 2) for earlier, later in itertools.pairwise(rates))


@pytest.mark.parametrize(
    ("trains", "expected"),
    [
        ({}, WarmupCosine(2e-3, 12, 240)),
        ({"LearningRate": 1e-4, "DecayRate": 1.0}, Constant(1e-4)),
        ({"Optimizer": "SGD", "DecayRate": 0.98, "DecaySteps": 10_000}, Staircase(1e-2, 0.98, 10_000)),
        ({"Optimizer": "Adadelta", "DecayRate": 0.1, "DecayPatience": 3}, StepDown(1.0, 0.1, 3, 7)),
    ],
)
def test_the_config_chooses_the_schedule(trains: dict[str, Any], expected: object) -> None:
    keys = {"MaxEpochs": 30, "ValidationSteps": 7, "BatchSize": 8}
    assert choose(small_config(Trains=keys | trains), 64, "float32").rate == expected


@pytest.mark.parametrize(
    ("trains", "decay", "clip", "average"),
    [
        ({}, 0.01, 1.0, pytest.approx(0.8, abs=1e-3)),
        ({"Optimizer": "Adam", "ClipNorm": "off", "EMA": "off"}, 0.0, None, 0.0),
        ({"Optimizer": "SGD", "WeightDecay": 5e-4, "ClipNorm": 5.0, "EMA": 0.5}, 5e-4, 5.0, 0.5**10),
    ],
)
def test_decay_clipping_and_average_are_chosen(trains: dict[str, Any], decay: float, clip: Any, average: Any) -> None:
    plan = choose(small_config(Trains=trains), 64, "float32")
    assert (plan.weight_decay, plan.clip_norm, plan.average) == (decay, clip, average)


@pytest.mark.parametrize(
    ("charset", "pictures", "shown"),
    [("NUMERIC", 10_000, 60_000), ("ALPHANUMERIC", 10_000, 60_000), ("CHINESE_3500", 10_000, 440_000)],
)
def test_each_of_many_symbols_is_seen_often_enough(charset: str, pictures: int, shown: int) -> None:
    model = {"CharSet": charset, "ImageWidth": 200, "ImageHeight": 60}
    plan = choose(small_config(Model=model), pictures, "float32")
    assert plan.steps == shown // pictures * plan.epoch_steps


CONSTANT = "DecayRate: 1, BatchSize: 128, ClipNorm: off, EMA: off, Augment: off"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (  # captcha_trainer: Nesterov's momentum, rate 0.01
            "{Optimizer: SGD, LearningRate: 0.01, DecayRate: 0.98, DecaySteps: 10000, ClipNorm: off, EMA: off}",
            "SGD at a rate of 0.01, 0.98 times itself after every 10,000 steps.",
        ),
        (  # cnn_captcha: tensorflow 1's Adam
            f"{{Optimizer: {{Name: Adam, Epsilon: 1.0e-8}}, LearningRate: 0.0001, {CONSTANT}}}",
            "Adam at a rate of 0.0001 all the time.",
        ),
        (  # captcha_identification, and tensorflow-101
            f"{{Optimizer: Adam, LearningRate: 0.001, {CONSTANT}}}",
            "Adam at a rate of 0.001 all the time.",
        ),
        (  # tensorflow-101
            f"{{Optimizer: {{Name: Adagrad, InitialAccumulator: 0}}, LearningRate: 0.01, {CONSTANT}}}",
            "Adagrad at a rate of 0.01 all the time.",
        ),
        (f"{{Optimizer: RMSprop, LearningRate: 0.001, {CONSTANT}}}", "RMSprop at a rate of 0.001 all the time."),
        (f"{{Optimizer: Adadelta, LearningRate: 1.0, {CONSTANT}}}", "Adadelta at a rate of 1 all the time."),
        (  # captcha_break
            "{Optimizer: {Name: Adam, AMSGrad: true}, LearningRate: 0.001, DecayRate: 0.1, DecayPatience: 3, EMA: off}",
            "Adam at a rate of 0.001, 0.1 times itself after 3 readings in vain.",
        ),
    ],
)
def test_the_seeds_own_settings_can_be_said(written: str, told: str) -> None:
    plan = choose(small_config(Trains=parse_yaml(written, "seed")), 64, "float32")
    assert str(plan).startswith(told)
    assert plan.weight_decay == plan.average == 0


def test_the_recipe_tells_what_it_does() -> None:
    keys = {"MaxEpochs": 30, "BatchSize": 8, "Augment": {"Preset": "off", "Rotate": 3.0}}
    assert str(choose(small_config(Trains=keys), 64, "float32")) == (
        "AdamW at a rate that rises to 0.002 in 12 steps and falls along a cosine. Pictures are varied (rotate 3) "
        "until step 216."
    )
    plain = {"Augment": "off", "Optimizer": "Adam", "LearningRate": 1e-4, "DecayRate": 1.0}
    assert str(choose(small_config(Trains=plain), 64, "float32")) == (
        "Adam at a rate of 0.0001 all the time. No picture is varied."
    )


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
    assert recipe.plain_from == pytest.approx(0.9 * recipe.steps, abs=1)  # the last tenth sees pictures as they are


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


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"BatchSize": 7, "MaxEpochs": 3, "DecayRate": 0.5, "DecaySteps": 9},
        {"EndAcc": 0.99, "EndEpochs": 5_000},
        {"Optimizer": {"Name": "SGD", "Momentum": 0}},
        {"Optimizer": "RMSprop"},
        {"Optimizer": {"Name": "SGD", "Nesterov": False}, "DecayRate": 0.5, "DecayPatience": 2, "ClipNorm": "off"},
        {"Augment": {"Preset": "light", "Rotate": 3.0, "Blur": 0.5}, "EMA": "off", "Jit": True, "WeightDecay": 0.0},
    ],
)
def test_what_was_chosen_is_written_down_and_chosen_again(keys: dict[str, Any]) -> None:
    config = small_config(Trains=keys, System={"TestSetNum": 50})
    plan = choose(config, 500, "bfloat16")
    resolved = validate(TrainConfig, parse_yaml(to_yaml(resolve(config, plan, test_pictures=60)), "run"), "run")
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
