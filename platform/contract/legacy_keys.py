"""The keys of captcha_trainer's model YAMLs with their defaults, of the early generation (2019) and the later one.

Missing and empty keys have the defaults of the originals. Keys that are not known are kept, to be named. A step that
cannot be done here is an error, for without it the texts would be wrong.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from contract.pretreatment import Side
from contract.spec import Name, VersionText


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _off(value: object) -> object:
    if value not in (False, -1, "", [], {}):
        raise ValueError("this step cannot be done here, and without it the texts would be wrong")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[list[Text], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
MustBeOff = Annotated[Any, AfterValidator(_off)]
Threshold = Annotated[int, Field(le=254)]  # 0 and less: off
Kernel = Annotated[int, Field(le=31)]  # pixels; 0 and less: off
NoMeaning = Any


class Section(BaseModel):
    """Base of the sections."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_missing(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if value is not None}


class Identity(Section):
    """What both generations say of a model; the later one's own platform routed by name and size only."""

    ModelName: Name
    Version: Annotated[VersionText, BeforeValidator(_text)] = "1.0"
    ModelType: Text = ""
    Sites: Texts = []


class EarlyModel(Identity):
    """Section `Model` of the early generation."""

    CharSet: str | list[str]
    CharExclude: list[str] = []
    CaseSensitive: bool = True
    ImageWidth: Side
    ImageHeight: Side
    SplitChar: str = ""
    CharReplace: NoMeaning = None
    ColorEngine: NoMeaning = None


class EarlyPretreatment(Section):
    """Section `Pretreatment` of the early generation."""

    Binaryzation: Threshold = -1
    Smoothing: Kernel = -1
    Blur: Kernel = -1
    Resize: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    ReplaceTransparent: bool = False


class EarlyFile(Section):
    """A model YAML of the early generation."""

    Model: EarlyModel
    Pretreatment: EarlyPretreatment = EarlyPretreatment()
    System: NoMeaning = None
    Trains: NoMeaning = None


class LaterOutputLayer(Section):
    """`NeuralNet.OutputLayer` of the later generation."""

    LossFunction: Literal["CTC", "CrossEntropy"] = "CTC"
    Decoder: NoMeaning = None


class LaterNeuralNet(Section):
    """Section `NeuralNet` of the later generation; what only training needs is not looked at."""

    model_config = ConfigDict(extra="ignore")

    OutputLayer: LaterOutputLayer = LaterOutputLayer()


class LaterModel(Identity):
    """Section `Model` of the later generation."""

    ModelField: Literal["Image"] = "Image"
    ModelScene: NoMeaning = None


class LaterFieldParam(Section):
    """Section `FieldParam` of the later generation."""

    Category: str | list[Text]
    Resize: Annotated[list[Literal[-1] | Side], Field(min_length=2, max_length=2)] | None = None
    ImageChannel: Literal[1, 3] = 1
    ImageWidth: Side
    ImageHeight: Side
    OutputSplit: str = ""
    MaxLabelNum: NoMeaning = None
    MinLabelNum: NoMeaning = None
    AutoPadding: NoMeaning = None
    CorpParams: MustBeOff = False
    ExternalModelForCorp: MustBeOff = False

    @field_validator("Resize", mode="after")
    @classmethod
    def _height_is_given(cls, value: list[int] | None) -> list[int] | None:
        if value and value[1] < 1:
            raise ValueError("only the width may be -1")
        return value


class LaterPretreatment(Section):
    """Section `Pretreatment` of the later generation."""

    Binaryzation: Threshold = -1
    ReplaceTransparent: bool = True
    HorizontalStitching: MustBeOff = False
    ConcatFrames: MustBeOff = False
    BlendFrames: MustBeOff = False
    ExecuteMap: MustBeOff = False


class LaterFile(Section):
    """A model YAML of the later generation."""

    Model: LaterModel
    FieldParam: LaterFieldParam
    NeuralNet: LaterNeuralNet = LaterNeuralNet()
    Pretreatment: LaterPretreatment = LaterPretreatment()
    System: NoMeaning = None
    Label: NoMeaning = None
    Trains: NoMeaning = None
    DataAugmentation: NoMeaning = None
