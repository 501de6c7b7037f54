"""Kinds of values that several sections of the config share."""

from typing import Annotated, Literal

from pydantic import Field

from contract import spec as specs

NotNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Arithmetic = specs.Arithmetic
AskedArithmetic = Arithmetic | Literal["auto"]
