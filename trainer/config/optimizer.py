"""Key `Trains.Optimizer` of the config."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from contract.strict import StrictModel
from trainer.config.kinds import PositiveNumber

OptimizerName = Literal["AdamW", "Adam", "RMSprop", "Adagrad", "Adadelta", "SGD"]
Memory = Annotated[float, Field(ge=0, lt=1)]

_ADAM: Mapping[str, Any] = {"Beta1": 0.9, "Beta2": 0.999, "AMSGrad": False, "Epsilon": 1e-7}

# The keys of each optimizer, and what they are unless they are given: Keras's own defaults. SGD without momentum is of
# little use, and the seed that took it had 0.9 of Nesterov's.
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "AdamW": _ADAM,
        "Adam": _ADAM,
        "RMSprop": {"Rho": 0.9, "Momentum": 0.0, "Epsilon": 1e-7},
        "Adagrad": {"InitialAccumulator": 0.1, "Epsilon": 1e-7},
        "Adadelta": {"Rho": 0.95, "Epsilon": 1e-7},
        "SGD": {"Momentum": 0.9, "Nesterov": True},
    }
)


class OptimizerSection(StrictModel):
    """What turns gradients into steps. A name alone may stand for the whole section (`Optimizer: Adam`).

    Attributes:
        Name: AdamW and Adam differ in WeightDecay alone.
        Beta1, Beta2: of AdamW and Adam: memory of the mean and of the mean square; default: 0.9 and 0.999.
        AMSGrad: of AdamW and Adam: divide by the largest mean square so far; default: false.
        Momentum: of SGD and RMSprop; default: 0.9 of SGD, 0 of RMSprop.
        Nesterov: of SGD: Nesterov's momentum; default: true.
        Rho: of RMSprop and Adadelta: memory of the mean square; default: 0.9 and 0.95.
        InitialAccumulator: of Adagrad: where the sum of squares begins; default: 0.1.
        Epsilon: of all but SGD: keeps divisors from zero; default: 1e-7. TensorFlow 1 and PyTorch have 1e-8 for Adam.
    """

    Name: OptimizerName = "AdamW"
    Beta1: Memory | None = None
    Beta2: Memory | None = None
    AMSGrad: bool | None = None
    Momentum: Memory | None = None
    Nesterov: bool | None = None
    Rho: Memory | None = None
    InitialAccumulator: Annotated[float, Field(ge=0)] | None = None
    Epsilon: PositiveNumber | None = None

    @property
    def filled(self) -> Self:
        """The same with the default of each key that this optimizer has."""
        given = {key: value for key in DEFAULTS[self.Name] if (value := getattr(self, key)) is not None}
        filled = {**DEFAULTS[self.Name], **given}
        if filled.get("Momentum") == 0 and "Nesterov" in filled:
            filled["Nesterov"] = False
        return self.model_copy(update=filled)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, given: object) -> object:
        return {"Name": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _keys_belong(self) -> Self:
        for key in type(self).model_fields:
            if key != "Name" and getattr(self, key) is not None and key not in DEFAULTS[self.Name]:
                owners = [name for name in get_args(OptimizerName) if key in DEFAULTS[name]]
                raise ValueError(f"{key}: {self.Name} has none; it belongs to {' and '.join(owners)}")
        if self.Nesterov and self.Momentum == 0:
            raise ValueError("Nesterov: is a kind of momentum, and Momentum is 0")
        return self
