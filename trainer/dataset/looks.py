"""How the pictures of a set look: their sizes, and whether gray and a white ground keep what is to be read. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from contract import image
from contract.errors import PictureError
from contract.pixels import Pixels
from contract.pretreatment import Pretreatment

STRONG_EDGE = 0.2  # share of the strongest difference between neighbours, from which on one counts as an edge
LOST_IN_GRAY = 0.1  # an edge that keeps less than this share of its contrast in gray
LOST_EDGES = 0.4  # share of the edges of a symbol from which on it cannot be read; lines and dots may be the others
FEW_EDGES = 0.5  # of the usual number of them: where there are fewer, there is no text
LOST_PICTURES = 0.02  # share of pictures that cannot be read in gray, from which on colour is worth its price

FAINTEST = 2.0  # standard deviation in gray levels below which a picture shows nothing

_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Look:
    """One picture.

    Attributes:
        size: (width, height) in pixels.
        lost_in_gray: see `edges_lost_in_gray`.
        lost_on_white: whether nothing is seen once it is put onto white, but something without its transparency.
    """

    size: tuple[int, int]
    lost_in_gray: float
    lost_on_white: bool = False


def look(contents: Iterable[Callable[[], bytes]]) -> tuple[list[Look], list[Exception]]:
    """Look at the pictures that can be read, and return with them why the others cannot.

    Args:
        contents: give the bytes of a picture file each, or raise OSError.
    """
    looks: list[Look] = []
    troubles: list[Exception] = []
    for read in contents:
        try:
            picture = image.decode(read())
        except (OSError, PictureError) as error:
            troubles.append(error)  # `verify` names it; a proposal does not need every picture
        else:
            looks.append(_look(picture))
    return looks, troubles


def choose_channels(lost: Sequence[float]) -> Literal[1, 3]:
    """Return 3 where too many pictures cannot be read in gray, else 1.

    Args:
        lost: `edges_lost_in_gray` of each picture.
    """
    unreadable = sum(share > LOST_EDGES for share in lost)
    return 3 if unreadable > LOST_PICTURES * len(lost) else 1


def edges_lost_in_gray(pixels: Pixels) -> float:
    """Return which share of the edges gray loses: 0 for a gray picture, 1 for red on a green as bright.

    An edge is a strong difference between neighbours. The same difference between black and white would keep its square
    over three in gray; what keeps less than a tenth of that is lost. Text that gray loses is found so among lines and
    frames that it keeps: their contrast may be larger, but they are not most of the edges.

    It is the largest share of all parts that are as wide as the picture is high: each symbol may have its own colours,
    and a text cannot be read without one of them.

    Args:
        pixels: uint8 [H, W, 3], RGB.
    """
    height, width = pixels.shape[:2]
    colours = pixels.astype(np.float64)
    steps = [np.diff(colours, axis=axis) for axis in (0, 1)]
    contrasts = [(step**2).sum(axis=2) for step in steps]
    strongest = max((contrast.max() for contrast in contrasts if contrast.size), default=0.0)
    if strongest == 0:
        return 0.0
    edges, lost = np.zeros(width), np.zeros(width)
    for step, contrast in zip(steps, contrasts, strict=True):
        strong = contrast >= STRONG_EDGE**2 * strongest
        faint = 3 * (step @ _LUMA) ** 2 < LOST_IN_GRAY * contrast
        edges[: strong.shape[1]] += strong.sum(axis=0)
        lost[: strong.shape[1]] += (strong & faint).sum(axis=0)
    part = min(height, width)
    there, missing = (np.convolve(counts, np.ones(part), "valid") for counts in (edges, lost))
    text = there >= FEW_EDGES * edges.sum() * part / width
    return float(np.max(missing[text] / there[text]))


def _look(picture: Image.Image) -> Look:
    colour = Pretreatment(ImageChannel=3)
    shown = image.pretreat(picture, colour, picture.size)
    if picture.has_transparency_data and _empty(shown):
        bare = image.pretreat(picture, colour.model_copy(update={"ReplaceTransparent": False}), picture.size)
        if not _empty(bare):
            return Look(picture.size, edges_lost_in_gray(bare), lost_on_white=True)
    return Look(picture.size, edges_lost_in_gray(shown))


def _empty(pixels: npt.NDArray[np.uint8]) -> bool:
    return float(pixels.std(axis=(0, 1)).max()) < FAINTEST
