"""Section `Trains` of the config."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from contract.strict import StrictModel
from trainer.config.kinds import AskedArithmetic, Positive, PositiveNumber, Share


class TrainsSection(StrictModel):
    """Section `Trains`: how long, how fast, and when it is good enough.

    Attributes:
        SavedSteps: steps between two checkpoints.
        ValidationSteps: steps between two readings of the test set; default: once per epoch.
        EndAcc: training ends at this whole-text accuracy on the test set, 0..1, but not before EndEpochs.
        EndCost: EndAcc counts only while the mean loss, in nats, is at most this; given alone, it ends training too.
        EndEpochs: EndAcc and EndCost count from this epoch on.
        BatchSize: pictures per step; default: 32 for sets of less than 4,000 pictures, else 64.
        TestBatchSize: pictures per batch when the test set is read; never more than are there.
        LearningRate: default: chosen by the recipe.
        DecayRate, DecaySteps: multiply the rate by DecayRate every DecaySteps steps; default: warm-up, then a cosine.
        MaxEpochs: default: chosen by the size of the set.
        MaxMinutes: training ends after so many minutes and keeps the best weights.
        Patience: training ends after so many readings of the test set without a better one.
        Precision: of the arithmetic in training; `auto` takes bfloat16 where it is the faster one.
        Augment: how much pictures are varied; `auto` decides by the size of the set.
    """

    SavedSteps: Positive = 100
    ValidationSteps: Positive | None = None
    EndAcc: Annotated[float, Field(ge=0, le=1)] | None = None
    EndCost: Annotated[float, Field(ge=0)] | None = None
    EndEpochs: Positive | None = None
    BatchSize: Positive | None = None
    TestBatchSize: Positive = 400
    LearningRate: PositiveNumber | None = None
    DecayRate: Share | None = None
    DecaySteps: Positive | None = None
    MaxEpochs: Positive | None = None
    MaxMinutes: PositiveNumber | None = None
    Patience: Positive | None = None
    Precision: AskedArithmetic = "auto"
    Augment: Literal["off", "light", "strong", "auto"] = "auto"

    @field_validator("Augment", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        return "off" if value is False else value  # YAML reads a bare off as false

    @model_validator(mode="after")
    def _decay_is_whole(self) -> Self:
        if (self.DecayRate is None) != (self.DecaySteps is None):
            given, missing = ("DecayRate", "DecaySteps") if self.DecaySteps is None else ("DecaySteps", "DecayRate")
            raise ValueError(f"{given} is given without {missing}; give both, or neither for warm-up and cosine")
        return self

    @model_validator(mode="after")
    def _can_end(self) -> Self:
        if self.EndEpochs is not None and self.MaxEpochs is not None and self.EndEpochs > self.MaxEpochs:
            raise ValueError(
                f"EndEpochs {self.EndEpochs} is after MaxEpochs {self.MaxEpochs}, so EndAcc could never count"
            )
        return self
