"""Section `Trains` of the config."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from contract.strict import StrictModel
from trainer.config.augment import AugmentSection
from trainer.config.kinds import AskedArithmetic, NotNegative, Positive, PositiveNumber, Share
from trainer.config.optimizer import OptimizerSection


class TrainsSection(StrictModel):
    """Section `Trains`: how long, how fast, and when it is good enough.

    Attributes:
        SavedSteps: steps between two checkpoints.
        ValidationSteps: steps between two readings of the test set; default: once per epoch, or every few epochs if
            there would be more than about twenty readings.
        EndAcc: training ends at this whole-text accuracy on the test set, 0..1, but not before EndEpochs; default:
            none, it goes on to MaxEpochs.
        EndCost: EndAcc counts only while the mean loss over the test set is at most so many nats; given alone, it
            ends training too.
        EndEpochs: EndAcc and EndCost count from this epoch on.
        BatchSize: pictures per step; default: 32 for sets of less than 4,000 pictures, else 64.
        TestBatchSize: pictures per batch when the test set is read; never more than are there, and fewer where they
            are large.
        Optimizer: what turns gradients into steps: a name, or a section with its numbers, below.
        LearningRate: the largest; default: chosen by the recipe, for each optimizer its own.
        DecayRate, DecaySteps: multiply the rate by DecayRate every DecaySteps steps; default: warm-up, then a cosine.
            `DecayRate: 1` alone keeps the rate as it is.
        DecayPatience: in place of DecaySteps: multiply the rate by DecayRate after so many readings of the test set
            without a better one.
        WeightDecay: pull of the weights towards zero, as a share of the rate at each step (biases and batch norm
            excepted); default: 0.01 with AdamW, 0 with the others.
        ClipNorm: longest gradient, all weights together; longer ones are shortened to it.
        EMA: momentum, at each step, of the moving average of the weights, which is what is tested and exported;
            `off` takes the weights as they are.
        MaxEpochs: default: chosen by the size of the set and the number of symbols.
        MaxMinutes: training ends after so many minutes and keeps the best weights. What it cuts off is the end without
            variation and with a small rate, which is laid out for MaxEpochs; fewer epochs keep it.
        Patience: training ends after so many readings of the test set without a better one.
        Precision: of the arithmetic in training; `auto` takes bfloat16 where it is the faster one.
        AuxiliaryLoss: until symbols are known, a CTC training also learns which of them a text has, wherever they are,
            and with a recurrent part all of this from what is seen before it. It gets past guessing sooner, with small
            sets of many symbols at all, and keeps the order of symbols in pictures with margins. False for CTC alone.
        PrimerSteps: steps with drawn letters and digits, which a CTC network learns before the pictures of a set;
            default: 500 where there are more than 100 symbols, at most half of the training's own, else 0. Not for
            drawn sets, nor behind a warm start. They take at most a quarter of MaxMinutes, which count behind them.
        Jit: compile the training step with XLA. On a CPU that made the step 1.6 times as long in float32, 2.9 times in
            bfloat16, and the first one a minute.
        Augment: how much pictures are varied: off, light, strong, auto, or a section with single keys, below.
    """

    SavedSteps: Positive = 100
    ValidationSteps: Positive | None = None
    EndAcc: Annotated[float, Field(ge=0, le=1)] | None = None
    EndCost: Annotated[float, Field(ge=0)] | None = None
    EndEpochs: Positive | None = None
    BatchSize: Positive | None = None
    TestBatchSize: Positive = 400
    Optimizer: OptimizerSection = OptimizerSection()
    LearningRate: PositiveNumber | None = None
    DecayRate: Share | None = None
    DecaySteps: Positive | None = None
    DecayPatience: Positive | None = None
    WeightDecay: Annotated[float, Field(ge=0, lt=1)] | None = None
    ClipNorm: PositiveNumber | Literal["off"] = 1.0
    EMA: Annotated[float, Field(ge=0, lt=1)] | Literal["off"] = 0.978
    MaxEpochs: Positive | None = None
    MaxMinutes: PositiveNumber | None = None
    Patience: Positive | None = None
    Precision: AskedArithmetic = "auto"
    AuxiliaryLoss: bool = True
    PrimerSteps: NotNegative | None = None
    Jit: bool = False
    Augment: AugmentSection = AugmentSection()

    @field_validator("ClipNorm", "EMA", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        return "off" if value is False else value  # YAML reads a bare off as false

    @model_validator(mode="after")
    def _decay_is_whole(self) -> Self:
        if self.DecaySteps is not None and self.DecayPatience is not None:
            raise ValueError("DecaySteps and DecayPatience are both given; the rate goes down by the one or the other")
        when = next((key for key in ("DecaySteps", "DecayPatience") if getattr(self, key) is not None), None)
        if when and self.DecayRate is None:
            raise ValueError(f"{when} is given without DecayRate; give both, or neither for warm-up and cosine")
        if not when and self.DecayRate is not None and self.DecayRate < 1:
            raise ValueError(
                "DecayRate is given without DecaySteps or DecayPatience; give one of them too, or none for warm-up and "
                "cosine"
            )
        return self

    @model_validator(mode="after")
    def _can_end(self) -> Self:
        if self.EndEpochs is not None and self.MaxEpochs is not None and self.EndEpochs > self.MaxEpochs:
            raise ValueError(
                f"EndEpochs {self.EndEpochs} is after MaxEpochs {self.MaxEpochs}, so EndAcc could never count"
            )
        if self.EndEpochs is not None and self.EndAcc is None and self.EndCost is None:
            raise ValueError("EndEpochs: says when EndAcc and EndCost begin to count, and neither is given")
        return self
