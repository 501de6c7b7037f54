"""Section `NeuralNet` of the config."""

from typing import Annotated, Literal

from pydantic import Field

from contract.strict import StrictModel
from trainer.config.kinds import Share


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
