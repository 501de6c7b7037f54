"""What the keys of `Trains` make of a training: it goes on exactly, and reads the weights that it should."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.strict import parse_yaml, validate
from tests.conftest import small_config
from tests.trainer.test_fit import KEYS, InterruptAfter, examples, fit
from trainer.config import TrainConfig
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import run_of
from trainer.training.interrupt import Interrupt
from trainer.training.recipe import choose

pytestmark = pytest.mark.train

EVERYTHING = {
    "Shift": 0.05,
    "Rotate": 5.0,
    "Zoom": 0.1,
    "Shear": 0.1,
    "Perspective": 0.05,
    "Blur": 0.5,
    "Noise": 5.0,
    "Brightness": 20.0,
    "Contrast": 0.2,
    "Erase": 0.3,
}


def test_a_killed_run_with_every_key_goes_on_exactly(tmp_path: Path) -> None:
    trains: dict[str, Any] = {
        "MaxEpochs": 5,
        "ValidationSteps": 2,
        "Optimizer": "SGD",
        "DecayRate": 0.5,
        "DecayPatience": 1,
        "EMA": "off",
        "ClipNorm": 5.0,
        "WeightDecay": 1e-3,
        "Augment": EVERYTHING,
    }
    config = small_config(Trains={**KEYS, **trains})
    whole, killed = run_of(config.Model, tmp_path / "whole"), run_of(config.Model, tmp_path / "killed")
    fitting = fit(config, whole)
    fitting.train(Silent(), Interrupt())
    rates = [reading.rate for reading in fitting.position.history]
    assert rates[0] == 0.01
    assert rates[-1] < 0.01  # it did step down
    with pytest.raises(KeyboardInterrupt):
        fit(config, killed).train(Silent(), InterruptAfter(11, KeyboardInterrupt))
    going_on = fit(config, killed)
    assert 0 < going_on.position.step < 11
    going_on.train(Silent(), Interrupt())
    assert [reading.rate for reading in going_on.position.history] == rates
    with np.load(whole.state) as expected, np.load(killed.state) as found:
        for name in expected:
            if name != "position":
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def learner_after(steps: int, **trains: Any) -> Any:
    import_keras()
    from trainer.training.learner import Learner  # noqa: PLC0415 - this imports keras

    config = small_config(Trains={**KEYS, **trains})
    learner = Learner(config, choose(config, 64, "float32"))
    batch = examples(16, 48)
    labels = np.array([[int(digit) + 1 for digit in text] for text in batch.labels], np.int32)
    losses = [learner.step(batch.pixels, labels, 1e-3) for _ in range(steps)]
    learner.refresh_reader()
    return learner, losses


def weights_of(state: dict[str, Any]) -> list[Any]:
    return [value for name, value in sorted(state.items()) if name.startswith("model/")]


def test_the_average_is_read_unless_it_is_off() -> None:
    newest, _ = learner_after(11, EMA="off")
    averaged, _ = learner_after(11, EMA=0.978)
    for one, other in zip(weights_of(newest.state()), weights_of(averaged.state()), strict=True):
        np.testing.assert_array_equal(one, other)  # both learn the same
    kernels = [learner.reader_weights()["logits/kernel"] for learner in (newest, averaged)]
    (exact,) = (value for value in weights_of(newest.state()) if value.shape == kernels[0].shape)
    np.testing.assert_array_equal(kernels[0], exact)
    assert np.abs(kernels[1] - exact).max() > 1e-5


def test_before_the_first_average_the_newest_weights_are_read() -> None:
    newest, _ = learner_after(3, EMA="off")
    young, _ = learner_after(3, EMA=0.978)
    for name, value in young.reader_weights().items():
        np.testing.assert_array_equal(value, newest.reader_weights()[name])


@pytest.mark.slow
def test_xla_computes_the_same() -> None:
    _, compiled = learner_after(4, Jit=True)
    _, plain = learner_after(4, Jit=False)
    np.testing.assert_allclose(compiled, plain, rtol=1e-3)


def test_what_a_run_was_made_with_holds_every_number() -> None:
    from trainer.training.resolved import resolve, to_yaml  # noqa: PLC0415

    config = small_config(Trains={"Optimizer": {"Name": "Adam", "AMSGrad": True}, "Augment": {"Rotate": 3.0}})
    resolved = resolve(config, choose(config, 64, "float32"), test_pictures=9)
    tree = parse_yaml(to_yaml(resolved), "run")["Trains"]
    assert tree["Optimizer"] | {"Beta1": 0.9, "Beta2": 0.999, "AMSGrad": True, "Epsilon": 1e-7} == tree["Optimizer"]
    assert tree["Augment"] == {
        "Preset": "off",
        "Shift": 0.04,
        "Rotate": 3.0,
        "Zoom": 0.08,
        "Shear": 0.12,
        "Perspective": 0.0,
        "Blur": 0.0,
        "Noise": 0.0,
        "Brightness": 25.0,
        "Contrast": 0.2,
        "Erase": 0.0,
    }
    assert (tree["WeightDecay"], tree["LearningRate"]) == (0.0, 2e-3)
    assert validate(TrainConfig, parse_yaml(to_yaml(resolved), "run"), "run") == resolved
    drawn = small_config(System={"TrainsPath": "synthetic"})
    assert resolve(drawn, choose(drawn, 64, "float32"), test_pictures=9).Synthetic.Curriculum == 0
