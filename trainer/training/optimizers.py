"""The optimizer of a recipe: Keras's own, with the numbers of `Trains`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras

from trainer.config import OptimizerSection

KERAS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "AdamW": keras.optimizers.AdamW,
        "Adam": keras.optimizers.Adam,
        "RMSprop": keras.optimizers.RMSprop,
        "Adagrad": keras.optimizers.Adagrad,
        "Adadelta": keras.optimizers.Adadelta,
        "SGD": keras.optimizers.SGD,
    }
)

ARGUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "Beta1": "beta_1",
        "Beta2": "beta_2",
        "AMSGrad": "amsgrad",
        "Momentum": "momentum",
        "Nesterov": "nesterov",
        "Rho": "rho",
        "InitialAccumulator": "initial_accumulator_value",
        "Epsilon": "epsilon",
    }
)


def make(section: OptimizerSection, rate: float, weight_decay: float, clip_norm: float | None) -> Any:  # noqa: ANN401 - keras publishes no types
    """Return a Keras optimizer.

    Args:
        section: which one.
        rate: the first learning rate; the loop sets those of the other steps.
        weight_decay: pull towards zero, as a share of the rate at each step (Loshchilov & Hutter 2019).
        clip_norm: longest gradient, all weights together; None leaves them as they are.
    """
    given = section.filled.model_dump(exclude={"Name"}, exclude_none=True)
    arguments = {ARGUMENTS[key]: value for key, value in given.items()}
    optimizer = KERAS[section.Name](rate, weight_decay=weight_decay, global_clipnorm=clip_norm, **arguments)
    # Decay pulls kernels towards zero; on biases and on batch norm's scale and offset it would only do harm.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def take_over(optimizer: Any, other: Any) -> None:  # noqa: ANN401 - as above
    """Go on where another optimizer of the same kind stands, which has learned these variables and perhaps more.

    Args:
        optimizer: built.
        other: built.
    """
    known = {_of_what(variable): variable for variable in other.variables}
    for variable in optimizer.variables:
        variable.assign(known[_of_what(variable)])


def _of_what(variable: Any) -> str:  # noqa: ANN401 - as above
    """Return what a variable of an optimizer is about: its path without the optimizer's own name."""
    return str(variable.path).partition("/")[2]
