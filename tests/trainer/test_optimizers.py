"""Each optimizer of the config against its formula in numpy."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from trainer.config import OptimizerSection
from trainer.config.optimizer import DEFAULTS, OptimizerName
from trainer.framework import import_keras

Array = npt.NDArray[np.float64]
Rule = Callable[[list[Array], float], Array]

START = np.array([[1.0, -2.0], [0.5, 3.0]])
GRADIENTS = [
    np.array(rows) for rows in ([[0.3, -0.1], [2.0, 0.0]], [[-0.2, 0.4], [1.0, 0.1]], [[0.1, 0.1], [0.2, -3.0]])
]
RATE = 0.05


def trained(section: OptimizerSection, name: str = "kernel", **keys: Any) -> Array:
    import_keras()
    import keras  # noqa: PLC0415 - collecting tests must not wait for it

    from trainer.training.optimizers import make  # noqa: PLC0415

    weight = keras.Variable(START, dtype="float32", name=name)
    optimizer = make(section.filled, **{"rate": RATE, "weight_decay": 0.0, "clip_norm": None, **keys})
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
    return np.asarray(weight, np.float64)


@pytest.mark.parametrize("name", get_args(OptimizerName))
@pytest.mark.parametrize("momentum", [None, 0.0])
def test_what_is_filled_in_is_full_and_can_be_read_again(name: OptimizerName, momentum: float | None) -> None:
    given = {"Momentum": momentum} if "Momentum" in DEFAULTS[name] else {}
    filled = OptimizerSection(Name=name, **given).filled
    assert filled.filled == filled
    assert OptimizerSection(**filled.model_dump()) == filled
    assert {key for key, value in filled.model_dump().items() if value is not None} == {"Name", *DEFAULTS[name]}


def adam(gradients: list[Array], epsilon: float = 1e-7, *, amsgrad: bool = False) -> Array:
    """Kingma & Ba 2015, section 2, with the order of arithmetic before section 2.1; Reddi et al. 2018."""
    weight, mean, square, largest = START.copy(), 0.0 * START, 0.0 * START, 0.0 * START
    for step, gradient in enumerate(gradients, start=1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        largest = np.maximum(largest, square) if amsgrad else square
        rate = RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weight -= rate * mean / (np.sqrt(largest) + epsilon)
    return weight


def rmsprop(gradients: list[Array]) -> Array:
    weight, square = START.copy(), 0.0 * START
    for gradient in gradients:
        square = 0.9 * square + 0.1 * gradient**2
        weight -= RATE * gradient / np.sqrt(square + 1e-7)
    return weight


def adagrad(gradients: list[Array], first: float = 0.1) -> Array:
    """Duchi et al. 2011."""
    weight, total = START.copy(), 0.0 * START + first
    for gradient in gradients:
        total += gradient**2
        weight -= RATE * gradient / np.sqrt(total + 1e-7)
    return weight


def adadelta(gradients: list[Array]) -> Array:
    """Zeiler 2012, algorithm 1."""
    weight, square, moved = START.copy(), 0.0 * START, 0.0 * START
    for gradient in gradients:
        square = 0.95 * square + 0.05 * gradient**2
        change = -np.sqrt(moved + 1e-7) / np.sqrt(square + 1e-7) * gradient
        moved = 0.95 * moved + 0.05 * change**2
        weight += RATE * change
    return weight


def nesterov(gradients: list[Array], momentum: float = 0.9) -> Array:
    """Sutskever et al. 2013, seen from the point that looks ahead, as MomentumOptimizer of tensorflow 1 does."""
    weight, total = START.copy(), 0.0 * START
    for gradient in gradients:
        total = momentum * total + gradient
        weight -= RATE * (gradient + momentum * total)
    return weight


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("AdamW", adam(GRADIENTS)),
        ("Adam", adam(GRADIENTS)),
        ({"Name": "Adam", "AMSGrad": True, "Epsilon": 1e-2}, adam(GRADIENTS, 1e-2, amsgrad=True)),
        ("RMSprop", rmsprop(GRADIENTS)),
        ("Adagrad", adagrad(GRADIENTS)),
        ({"Name": "Adagrad", "InitialAccumulator": 0.0}, adagrad(GRADIENTS, 0.0)),
        ("Adadelta", adadelta(GRADIENTS)),
        ("SGD", nesterov(GRADIENTS)),
        ({"Name": "SGD", "Momentum": 0.5}, nesterov(GRADIENTS, 0.5)),
        ({"Name": "SGD", "Momentum": 0.0, "Nesterov": False}, START - RATE * np.sum(GRADIENTS, axis=0)),
    ],
    ids=lambda value: str(value) if isinstance(value, str | dict) else "",
)
def test_a_step_is_that_of_the_paper(written: Any, expected: Array) -> None:
    np.testing.assert_allclose(trained(OptimizerSection.model_validate(written)), expected, rtol=1e-5, atol=1e-6)


def test_long_gradients_are_shortened() -> None:
    shortened = [gradient / max(1.0, np.linalg.norm(gradient) / 0.5) for gradient in GRADIENTS]
    found = trained(OptimizerSection(Name="SGD"), clip_norm=0.5)
    np.testing.assert_allclose(found, nesterov(shortened), rtol=1e-5)


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_weight_decay_pulls_kernels_and_leaves_biases(name: Any) -> None:
    section = OptimizerSection.model_validate({"Name": name})
    pulled, free = trained(section, weight_decay=0.1), trained(section)
    gap, weight = np.zeros_like(START), START
    for steps in range(1, len(GRADIENTS) + 1):  # each step takes rate * decay of the weight before it
        gap = gap + RATE * 0.1 * weight
        weight = (nesterov if name == "SGD" else adam)(GRADIENTS[:steps]) - gap
    np.testing.assert_allclose(pulled, free - gap, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(trained(section, "bias", weight_decay=0.1), free)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"Name": "AdamW", "Momentum": 0.9}, "Momentum: AdamW has none; it belongs to RMSprop and SGD"),
        ({"Name": "SGD", "AMSGrad": True}, "AMSGrad: SGD has none; it belongs to AdamW and Adam"),
        ({"Nesterov": False}, "Nesterov: AdamW has none; it belongs to SGD"),
    ],
)
def test_a_number_of_another_optimizer_is_refused(written: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OptimizerSection.model_validate(written)
