"""The beginning ends when symbols are known, once and for good, and a learner's losses are CTC's throughout."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.conftest import small_config
from tests.trainer.test_fit import examples
from trainer.framework import import_keras
from trainer.training.beginning import STEPS, Beginning
from trainer.training.recipe import choose

GUESSING = 4 * math.log(10)


def after(losses: Sequence[float], symbols: int = 10, length: float = 4) -> Beginning:
    beginning = Beginning(symbols)
    for loss in losses:
        beginning.note(loss, length)
    return beginning


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([], False),
        ([GUESSING] * 100, False),
        ([0.6 * GUESSING] * 100, False),
        ([0.4 * GUESSING] * (STEPS - 1), False),  # too few to tell
        ([0.4 * GUESSING] * STEPS, True),
        ([GUESSING] * 50 + [0.4 * GUESSING] * STEPS, True),
        ([0.4 * GUESSING] * STEPS + [GUESSING] * 50, True),  # for good
        ([math.nan] * 100, False),
    ],
)
def test_it_is_over_when_symbols_are_known(losses: list[float], over: bool) -> None:
    assert after(losses).over is over


def test_one_symbol_or_no_text_leaves_nothing_to_find_out() -> None:
    assert after([], symbols=1).over
    assert not after([1.0] * 100, length=0).over


@pytest.mark.parametrize("losses", [[], [GUESSING] * 3, [0.4 * GUESSING] * (STEPS - 1), [0.4 * GUESSING] * STEPS])
def test_it_goes_on_from_its_state(losses: list[float]) -> None:
    one, other = after(losses), Beginning(10)
    other.restore(one.state())
    for loss in [0.4 * GUESSING, GUESSING]:
        one.note(loss, 4)
        other.note(loss, 4)
        assert one.over is other.over


def learner_of(**trains: Any) -> Any:
    import_keras()
    from trainer.training.learner import Learner  # noqa: PLC0415 - this imports keras

    config = small_config(Trains=trains)
    return Learner(config, choose(config, 64, "float32"))


def test_what_a_step_returns_is_ctc_alone_before_and_after() -> None:
    batch = examples(16, 48)
    labels = np.array([[int(digit) + 1 for digit in text] for text in batch.labels], np.int32)
    helped, plain = learner_of(), learner_of(AuxiliaryLoss=False)
    assert helped.step(batch.pixels, labels, 1e-3) == pytest.approx(plain.step(batch.pixels, labels, 1e-3), rel=1e-4)
    state = helped.state()
    assert len(state["beginning"]) == 1
    state["beginning"] = np.array([np.inf])  # as if it was over
    helped.restore(state)
    plain.restore(state)
    expected = plain.step(batch.pixels, labels, 1e-3)
    assert helped.step(batch.pixels, labels, 1e-3) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(helped.state()["model/0000"], plain.state()["model/0000"])
