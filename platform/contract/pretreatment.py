"""The steps from a decoded picture to pixels, as configs and model YAMLs have them; `contract.image` takes them."""

from typing import Annotated, Literal

from pydantic import Field

from contract.strict import StrictModel

LARGEST_SIDE = 4096  # pixels
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]
Fitting = Literal["stretch", "pad"]
_Off = Literal[-1]


class Pretreatment(StrictModel):
    """The steps from a decoded picture to pixels, in this order; -1 switches a step off.

    Attributes:
        ReplaceTransparent: put transparent pictures onto white; False drops the transparency.
        ImageChannel: 1 for gray (ITU-R 601-2 luma), 3 for RGB.
        Binaryzation: values above it become 255, others 0.
        Smoothing: size of the median filter in pixels; an even size counts as the next odd one.
        Blur: size of the Gaussian filter in pixels; an even size counts as the next odd one.
        Resize: [width, height] in pixels that the network sees; default ImageWidth and ImageHeight.
        Fit: `stretch` to that size, or keep the ratio and `pad` right and below with the picture's median.
        AnimatedFrame: which frame of an animated picture is read, 0 for the first; default: the first, but training
            on animated pictures asks for a choice.
    """

    ReplaceTransparent: bool = True
    ImageChannel: Literal[1, 3] = 1
    Binaryzation: _Off | Annotated[int, Field(ge=1, le=254)] = -1
    Smoothing: _Off | Annotated[int, Field(ge=1, le=31)] = -1
    Blur: _Off | Annotated[int, Field(ge=1, le=31)] = -1
    Resize: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    Fit: Fitting = "stretch"
    AnimatedFrame: Annotated[int, Field(ge=0, le=63)] | None = None  # each frame before it is decoded too
