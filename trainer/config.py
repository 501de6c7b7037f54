"""The one YAML that a training needs, as frozen models. Key names are those of captcha_trainer's two files.

Relative paths are relative to the folder that the command runs in, as they were there.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from contract import image
from contract import spec as specs
from contract.charset import Charset
from contract.spec import MAX_GOLDEN, ModelSection, input_size
from contract.strict import StrictModel, read_yaml, validate

Positive = Annotated[int, Field(ge=1)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Paths = str | list[str]
Arithmetic = specs.Arithmetic
AskedArithmetic = Arithmetic | Literal["auto"]


class SystemSection(StrictModel):
    """Section `System`: where the pictures are and what the machine may give.

    Attributes:
        DeviceUsage: share of the GPU's memory that training may take, 0..1; default: as much as it needs.
        TrainsPath: the pictures: a folder with its sub-folders, a .zip, a .csv, .tsv or .txt with a file and its label
            on each line, .tfrecords of captcha_trainer, a pattern such as data/*, or a list of these.
        TrainRegex: the first match in a file's name is its label, if there is no better source for it; the default
            reads `label_anything.png`.
        TestPath: pictures to test on; default: a part of TrainsPath is set aside.
        TestRegex: as TrainRegex, for TestPath; default: TrainRegex.
        TestSetNum: how many pictures of TrainsPath are set aside for testing; default: a tenth. Pictures that are added
            later are split in the same proportion, so that earlier ones keep their side.
        Seed: of everything random in training.
        Threads: CPU threads to use; default: all.
        Deterministic: the same weights, bit for bit, each time on the same machine; slower.
    """

    DeviceUsage: Share | None = None
    TrainsPath: Paths
    TrainRegex: str = ".*?(?=_)"
    TestPath: Paths | None = None
    TestRegex: str | None = None
    TestSetNum: int | None = None
    Seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    Threads: Positive | None = None
    Deterministic: bool = False

    @property
    def train_paths(self) -> tuple[str, ...]:
        """TrainsPath as a list."""
        return _as_list(self.TrainsPath)

    @property
    def test_paths(self) -> tuple[str, ...]:
        """TestPath as a list; empty when a part of TrainsPath is to be set aside."""
        return _as_list(self.TestPath)

    @property
    def test_regex(self) -> str:
        """The pattern for labels of TestPath."""
        return self.TrainRegex if self.TestRegex is None else self.TestRegex

    @field_validator("TrainsPath", mode="after")
    @classmethod
    def _some_path(cls, value: Paths) -> Paths:
        if not _as_list(value):
            raise ValueError("names nothing; give the folder that holds the pictures")
        return value

    @field_validator("TrainRegex", "TestRegex", mode="after")
    @classmethod
    def _regex_compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @field_validator("TestSetNum", mode="after")
    @classmethod
    def _test_set_has_pictures(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError(
                f"{value} pictures leave nothing to test on; give 1 or more, or leave the key out to set a tenth aside"
            )
        return value


class NeuralNetSection(StrictModel):
    """Section `NeuralNet`: which network.

    Attributes:
        CNNNetwork: the part that sees: CNN5, or DenseNet.
        Geometry: of CNN5: `wide` has a frame for each 4 pixels of width, `seed` one for each 16 as captcha_trainer had.
        RecurrentNetwork: the part that reads from frame to frame: BLSTM in both directions, LSTM in one.
        RecurrentLayers: how many of them stand on each other.
        HiddenNum: units in each direction; LSTM has twice as many in its one.
        KeepProb: share of features kept by dropout in training; 1 drops none.
    """

    CNNNetwork: Literal["CNN5", "DenseNet"] = "CNN5"
    Geometry: Literal["wide", "seed"] = "wide"
    RecurrentNetwork: Literal["BLSTM", "LSTM"] = "BLSTM"
    RecurrentLayers: Literal[1, 2] = 1
    HiddenNum: Annotated[int, Field(ge=1, le=4096)] = 64
    KeepProb: Share = 1.0


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


class ExportSection(StrictModel):
    """Section `Export`: what the exported model is like.

    Attributes:
        Precision: of the stored weights: `bfloat16` makes the file half as large and, on CPUs with AVX512-BF16 or AMX,
            about twice as fast; it is refused if it reads less accurately. `auto` takes it if it does not.
        Golden: how many test pictures go into the model's YAML, for the platform to read before it serves the model;
            0 for those who must not pass on any.
    """

    Precision: AskedArithmetic = "float32"
    Golden: Annotated[int, Field(ge=0, le=MAX_GOLDEN)] = MAX_GOLDEN


class TrainConfig(StrictModel):
    """The whole config. `Model` and `Pretreatment` go into the exported model's YAML as they are."""

    System: SystemSection
    NeuralNet: NeuralNetSection = NeuralNetSection()
    Trains: TrainsSection = TrainsSection()
    Export: ExportSection = ExportSection()
    Model: ModelSection
    Pretreatment: image.Pretreatment = image.Pretreatment()

    @property
    def charset(self) -> Charset:
        """The character set of the model."""
        return self.Model.charset

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels that the network sees."""
        return input_size(self.Model, self.Pretreatment)

    @model_validator(mode="after")
    def _test_batch_can_be_filled(self) -> Self:
        pictures, batch = self.System.TestSetNum, self.Trains.TestBatchSize
        asked = "TestBatchSize" in self.Trains.model_fields_set
        if asked and not self.System.test_paths and pictures is not None and pictures < batch:
            raise ValueError(
                f"System.TestSetNum {pictures} is less than Trains.TestBatchSize {batch}: the test set must fill one "
                f"batch; lower TestBatchSize to {pictures} or leave it out, or set more pictures aside"
            )
        return self


def read(path: Path) -> TrainConfig:
    """Read a config.

    Raises:
        ConfigError: the file cannot be read, or any of its keys cannot be used; all problems at once.
    """
    return validate(TrainConfig, read_yaml(path), str(path))


def _as_list(paths: Paths | None) -> tuple[str, ...]:
    listed = [paths] if isinstance(paths, str) else paths or []
    return tuple(path for path in listed if path)
