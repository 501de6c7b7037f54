"""Key `Trains.Augment` of the config."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract.strict import StrictModel

PresetName = Literal["off", "light", "strong", "auto"]


class AugmentSection(StrictModel):
    """How much pictures are varied in training, until its last tenth. Largest changes; each picture gets its own.

    A preset alone may stand for the whole section (`Augment: strong`). A single key overrules the preset's, so
    `{Preset: off, Shift: 0.02}` is shifting and nothing else.

    Attributes:
        Preset: where single keys are not given; `auto` is strong for sets of less than 4,000 pictures, light for larger
            ones, off for synthetic pictures. In pictures of more than four times their height presets shift, rotate
            and zoom less, in proportion: the ends of the text would leave the picture.
        Shift: as a share of width and of height.
        Rotate: in degrees.
        Zoom: of each side by itself, as a share.
        Shear: horizontal, in pixels per pixel of height.
        Perspective: how much larger one edge gets than the middle, as a share.
        Blur: sigma of a Gaussian filter in pixels; half of the pictures are blurred, all those of a step alike.
        Noise: standard deviation in gray levels of 255.
        Brightness: in gray levels of 255.
        Contrast: as a share.
        Erase: share of the pictures that lose a rectangle of 2 to 10 % of their area.
    """

    Preset: PresetName = "auto"
    Shift: Annotated[float, Field(ge=0, le=0.5)] | None = None
    Rotate: Annotated[float, Field(ge=0, le=180)] | None = None
    Zoom: Annotated[float, Field(ge=0, le=0.5)] | None = None
    Shear: Annotated[float, Field(ge=0, le=1)] | None = None
    Perspective: Annotated[float, Field(ge=0, le=0.3)] | None = None
    Blur: Annotated[float, Field(ge=0, le=5)] | None = None
    Noise: Annotated[float, Field(ge=0, le=128)] | None = None
    Brightness: Annotated[float, Field(ge=0, le=255)] | None = None
    Contrast: Annotated[float, Field(ge=0, le=1)] | None = None
    Erase: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _preset_alone(cls, given: object) -> object:
        if given is False:
            return {"Preset": "off"}  # YAML reads a bare off as false
        if isinstance(given, str):
            return {"Preset": given}
        if isinstance(given, dict) and given.get("Preset") is False:
            return {**given, "Preset": "off"}
        return given
