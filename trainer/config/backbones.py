"""Sections of `NeuralNet` that lay a network out: `DenseNet` and `VGG`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.strict import StrictModel
from trainer.config.kinds import Share

Count = Annotated[int, Field(ge=1, le=2048)]
PaddingName = Literal["same", "valid"]
ActivationName = Literal["relu", "leaky_relu", "elu", "tanh"]
AtLeastOne = Field(min_length=1, max_length=16)


class DenseNetSection(StrictModel):
    """Section `NeuralNet.DenseNet`: how large the network DenseNet is.

    Attributes:
        Stem: filters of its first convolution, which halves width and height.
        Growth: filters that each layer of a block adds to those that it sees.
        Blocks: layers in each block.
        Transitions: filters between one block and the next, one number less than there are blocks. The first transition
            halves width and height, the others the height.
    """

    Stem: Count = 64
    Growth: Count = 18
    Blocks: Annotated[list[Annotated[int, Field(ge=1, le=64)]], AtLeastOne] = [8, 8, 8]
    Transitions: list[Count] = [128, 128]

    @model_validator(mode="after")
    def _a_transition_between_two_blocks(self) -> Self:
        if len(self.Transitions) != len(self.Blocks) - 1:
            raise ValueError(
                f"Transitions: {len(self.Transitions)} of them do not stand between {len(self.Blocks)} blocks; give "
                f"{len(self.Blocks) - 1}"
            )
        return self


class VGGBlock(StrictModel):
    """An item of `NeuralNet.VGG.Blocks`: convolutions, then a max pool, then dropout.

    Attributes:
        Filters: of the convolutions, one number for each.
        Kernel: their width and height.
        Padding: `same` keeps the size, `valid` loses a border; a list gives each convolution its own.
        Pool: [width, height] that become one; [1, 1] is no pool.
        KeepProb: share of features kept by dropout in training; 1 drops none.
    """

    Filters: Annotated[list[Count], AtLeastOne]
    Kernel: Annotated[int, Field(ge=1, le=15)] = 3
    Padding: PaddingName | list[PaddingName] = "same"
    Pool: Annotated[list[Annotated[int, Field(ge=1, le=8)]], Field(min_length=2, max_length=2)] = [2, 2]
    KeepProb: Share = 1.0

    @property
    def paddings(self) -> list[PaddingName]:
        """Padding of each convolution."""
        return self.Padding if isinstance(self.Padding, list) else [self.Padding] * len(self.Filters)

    @model_validator(mode="after")
    def _a_padding_for_each_convolution(self) -> Self:
        if len(self.paddings) != len(self.Filters):
            raise ValueError(
                f"Padding: {len(self.paddings)} of them for {len(self.Filters)} convolutions; give one for each, or "
                f"one word for all"
            )
        return self


class VGGSection(StrictModel):
    """Section `NeuralNet.VGG`: the plan of the network VGG.

    Attributes:
        Blocks: one after the other, each with Filters, Kernel, Padding, Pool and KeepProb; the default makes a frame
            for each 4 pixels of width.
        BatchNorm: behind each convolution.
        Activation: behind that.
        PoolPadding: of the pools: `same` keeps a last column or row that is not whole, `valid` drops it.
    """

    Blocks: Annotated[list[VGGBlock], AtLeastOne] = [
        VGGBlock(Filters=[32, 32]),
        VGGBlock(Filters=[64, 64]),
        VGGBlock(Filters=[128, 128], Pool=[1, 2]),
        VGGBlock(Filters=[128, 128], Pool=[1, 2]),
    ]
    BatchNorm: bool = True
    Activation: ActivationName = "relu"
    PoolPadding: PaddingName = "valid"
