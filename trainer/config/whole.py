"""The whole config, and how it is read."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from contract import pretreatment
from contract.charset import Charset
from contract.spec import ModelSection, input_size
from contract.strict import StrictModel, read_yaml, validate
from trainer.config.export import ExportSection
from trainer.config.neural_net import NeuralNetSection
from trainer.config.synthetic import MAX_SIDE, MIN_SIDE, SyntheticSection
from trainer.config.system import SystemSection
from trainer.config.trains import TrainsSection


class TrainConfig(StrictModel):
    """The whole config. `Model` and `Pretreatment` go into the exported model's YAML as they are."""

    System: SystemSection
    Synthetic: SyntheticSection = SyntheticSection()
    NeuralNet: NeuralNetSection = NeuralNetSection()
    Trains: TrainsSection = TrainsSection()
    Export: ExportSection = ExportSection()
    Model: ModelSection
    Pretreatment: pretreatment.Pretreatment = pretreatment.Pretreatment()

    @property
    def charset(self) -> Charset:
        """The character set of the model."""
        return self.Model.charset

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels that the network sees."""
        return input_size(self.Model, self.Pretreatment)

    @property
    def can_begin_with_letters(self) -> bool:
        """Whether Trains.PrimerSteps may say that drawn letters come first: pictures of this size can be drawn."""
        return not self.System.synthetic and self.NeuralNet.head == "ctc" and self._can_be_drawn

    @property
    def _can_be_drawn(self) -> bool:
        return all(MIN_SIDE <= side <= MAX_SIDE for side in (self.Model.ImageWidth, self.Model.ImageHeight))

    @model_validator(mode="after")
    def _letters_can_be_drawn(self) -> Self:
        if self.Trains.PrimerSteps and not self.can_begin_with_letters:
            raise ValueError(
                "Trains.PrimerSteps counts only with a set of pictures, with Head CTC, and with ImageWidth and "
                f"ImageHeight of {MIN_SIDE} to {MAX_SIDE}: leave it out"
            )
        return self

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

    @model_validator(mode="after")
    def _synthetic_is_used(self) -> Self:
        if not self.System.synthetic and SyntheticSection() != self.Synthetic:
            raise ValueError(
                "section Synthetic is given, but pictures are drawn only with System.TrainsPath: synthetic"
            )
        longest, positions = self.Synthetic.lengths[1], self.NeuralNet.MaxLabelNum
        if self.System.synthetic and positions is not None and longest > positions:
            raise ValueError(
                f"Synthetic.Length has labels of {longest} symbols, but NeuralNet.MaxLabelNum is {positions}"
            )
        sides = (self.Model.ImageWidth, self.Model.ImageHeight)
        if self.System.synthetic and not self._can_be_drawn:
            raise ValueError(
                f"synthetic pictures have sides of {MIN_SIDE} to {MAX_SIDE} pixels, and ImageWidth and ImageHeight say "
                f"{sides[0]}x{sides[1]}; set these, and Pretreatment.Resize if the network is to see another size"
            )
        return self


def read(path: Path) -> TrainConfig:
    """Read a config.

    Raises:
        ConfigError: the file cannot be read, or any of its keys cannot be used; all problems at once.
    """
    return validate(TrainConfig, read_yaml(path), str(path))
