"""Section `NeuralNet` of the config."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.decode import HeadName
from contract.spec import Positions
from contract.strict import StrictModel
from trainer.config.backbones import DenseNetSection, VGGSection
from trainer.config.kinds import Share

Units = Annotated[int, Field(ge=1, le=4096)]


class NeuralNetSection(StrictModel):
    """Section `NeuralNet`: which network.

    Attributes:
        CNNNetwork: the part that sees: CNN5; DenseNet, which is larger and slower; or VGG, whose plan is free.
        Geometry: of CNN5: `wide` has a frame for each 4 pixels of width, `seed` one for each 16 as captcha_trainer had.
        DenseNet: how large DenseNet is.
        VGG: the plan of VGG.
        RecurrentNetwork: the part that reads from frame to frame: BLSTM or BGRU in both directions, LSTM or GRU in
            one, or None, so that each frame is read by itself. GRU has three quarters of LSTM's weights.
        RecurrentLayers: how many of them stand on each other.
        HiddenNum: units in each direction; LSTM and GRU have twice as many in their one.
        Head: CTC reads texts of any length that the frames have room for. CrossEntropy has a classifier for each
            position of the text, as networks for a fixed length have.
        MaxLabelNum: positions of CrossEntropy; shorter texts are padded with a symbol that stands for none.
        Dense: units of fully connected layers that all positions of CrossEntropy share, with ReLU; [] is none.
        DensePerPosition: units of such layers behind them, of which each position has its own.
        DenseKeepProb: as KeepProb, behind each of these layers.
        KeepProb: share of features kept by dropout in training, before and behind the recurrent layers; 1 drops none.
    """

    CNNNetwork: Literal["CNN5", "DenseNet", "VGG"] = "CNN5"
    Geometry: Literal["wide", "seed"] = "wide"
    DenseNet: DenseNetSection = DenseNetSection()
    VGG: VGGSection = VGGSection()
    RecurrentNetwork: Literal["BLSTM", "LSTM", "BGRU", "GRU", "None"] = "BLSTM"
    RecurrentLayers: Literal[1, 2] = 1
    HiddenNum: Units = 64
    Head: Literal["CTC", "CrossEntropy"] = "CTC"
    MaxLabelNum: Positions | None = None
    Dense: list[Units] = []
    DensePerPosition: list[Units] = []
    DenseKeepProb: Share = 1.0
    KeepProb: Share = 1.0

    @property
    def head(self) -> HeadName:
        """`Head` as the contract calls it."""
        return "ctc" if self.Head == "CTC" else "fixed"

    @model_validator(mode="after")
    def _a_plan_is_used(self) -> Self:
        for name in ("DenseNet", "VGG"):
            if self.CNNNetwork != name and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name}: is laid out, but CNNNetwork is {self.CNNNetwork}")
        if self.CNNNetwork != "CNN5" and self.Geometry != "wide":
            raise ValueError(f"Geometry: counts only with CNN5, and CNNNetwork is {self.CNNNetwork}")
        return self

    @model_validator(mode="after")
    def _layers_are_recurrent(self) -> Self:
        # HiddenNum may stand there: configs of captcha_trainer have it whatever the network.
        if self.RecurrentNetwork == "None" and self.RecurrentLayers != 1:
            raise ValueError("RecurrentLayers: there are none with RecurrentNetwork None")
        return self

    @model_validator(mode="after")
    def _positions_belong_to_cross_entropy(self) -> Self:
        if self.Head == "CrossEntropy":
            if self.MaxLabelNum is None:
                raise ValueError("MaxLabelNum: missing; Head CrossEntropy needs the length of the longest text")
            return self
        for key in ("MaxLabelNum", "Dense", "DensePerPosition", "DenseKeepProb"):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key}: counts only with Head CrossEntropy, and Head is CTC")
        return self
