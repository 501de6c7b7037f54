"""Read a folder of pictures and propose a config for it. The choices are pure functions of what was read."""

import collections
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

import numpy as np
import numpy.typing as npt

from contract import image
from contract.errors import PictureError
from contract.pretreatment import Fitting, Pretreatment
from trainer.config import NeuralNetSection
from trainer.dataset import sources
from trainer.dataset.alphabet import fitting_charset
from trainer.dataset.sample import Sample
from trainer.errors import SourceError
from trainer.network.geometry import smallest_width

LOOKED_AT = 1000  # pictures opened at most: sizes and colours are clear by then

BEFORE_UNDERSCORE = ".*?(?=_)"
BEFORE_DOT = r".*?(?=\.)"

FRAMES_PER_SYMBOL = 3  # CTC needs room between symbols
MIN_HEIGHT = 28  # pixels: below, the pools leave too little of a symbol
MAX_HEIGHT = 96  # pixels: above, training pays for detail that text does not have
SHRUNK_HEIGHT = 64  # pixels

LOST_IN_GRAY = 0.1  # share of the strongest contrast that is left in gray
LOST_PICTURES = 0.02  # share of pictures that lose it, and could not be read, from which on colour is worth its price

STRETCHED = 1.1  # times wider or narrower than most, for their height: symbols look like others from about there
MANY_STRETCHED = 0.05  # share of pictures that would be, from which on they keep their ratio
WIDEST = 0.99  # share of pictures that the width has room for; a few much wider ones shall not cost all the others


@dataclass(frozen=True)
class Proposal:
    """A proposed config.

    Attributes:
        regex: for `TrainRegex`.
        charset: for `CharSet`.
        size: (width, height) of most pictures, in pixels; with `pad` the width of the widest at that height.
        fit: for `Fit`.
        resize: (width, height) for `Resize`; None to leave the size as it is.
        channels: for `ImageChannel`.
        pictures: how many there are.
        lengths: (shortest, longest) label.
        symbols: that the labels hold, sorted.
        other_sizes: share of the pictures looked at that have another size.
    """

    regex: str
    charset: str | list[str]
    size: tuple[int, int]
    fit: Fitting
    resize: tuple[int, int] | None
    channels: Literal[1, 3]
    pictures: int
    lengths: tuple[int, int]
    symbols: tuple[str, ...]
    other_sizes: float

    @property
    def lengths_text(self) -> str:
        """The lengths for a person: `1 symbol`, `4 symbols`, or `4 to 6 symbols`."""
        shortest, longest = self.lengths
        noun = "symbol" if longest == 1 else "symbols"
        return f"{longest} {noun}" if shortest == longest else f"{shortest} to {longest} {noun}"


def propose(place: Path, neural_net: NeuralNetSection = NeuralNetSection()) -> Proposal:  # noqa: B008 - frozen
    """Read a folder, or another place that `TrainsPath` can name, and propose a config.

    Raises:
        SourceError: it is missing, holds no picture, or its file names have no labels.
    """
    regex, samples = labelled(place)
    labels = [sample.label for sample in samples if sample.label]
    if not labels:
        raise SourceError(f"no label in names such as {samples[0].name!r}: name the files label_anything.png")
    seen = _look(samples[:: math.ceil(len(samples) / LOOKED_AT)])
    size, fit = choose_size([size for size, _ in seen])
    lengths = [len(label) for label in labels]
    symbols = sorted({symbol for label in labels for symbol in label})
    return Proposal(
        regex=regex,
        charset=fitting_charset(symbols),
        size=size,
        fit=fit,
        resize=choose_resize(size, max(lengths), neural_net),
        channels=choose_channels([share for _, share in seen]),
        pictures=len(samples),
        lengths=(min(lengths), max(lengths)),
        symbols=tuple(symbols),
        other_sizes=sum(other != size for other, _ in seen) / len(seen),
    )


def labelled(place: Path) -> tuple[str, list[Sample]]:
    """Return the label pattern that fits the names, and the samples, labelled by it and sorted by name.

    Raises:
        SourceError: the place is missing, or holds no picture.
    """
    ignored = sources.Ignored()
    names = [PurePath(sample.name).name for sample in sources.read(place, re.compile(BEFORE_UNDERSCORE), ignored)]
    regex = choose_regex(names)
    return regex, sorted(sources.read(place, re.compile(regex), ignored), key=lambda sample: sample.name)


def choose_regex(names: Collection[str]) -> str:
    """Return the label pattern: the text before the first `_` if nearly all names have one, else before the dot."""
    with_underscore = sum("_" in name for name in names)
    return BEFORE_UNDERSCORE if with_underscore >= 0.9 * len(names) else BEFORE_DOT


def choose_size(sizes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], Fitting]:
    """Return the size to train at, and how pictures of other sizes get it.

    Most pictures' size, to which the others are stretched; where that would make many of them much wider or narrower
    than they are, all keep their ratio, and the width is that of the widest.

    Args:
        sizes: (width, height) of each picture in pixels.
    """
    width, height = collections.Counter(sizes).most_common(1)[0][0]
    widths = sorted(height * other_width / other_height for other_width, other_height in sizes)
    stretched = sum(max(width / other, other / width) > STRETCHED for other in widths)
    if stretched <= MANY_STRETCHED * len(sizes):
        return (width, height), "stretch"
    return (math.ceil(widths[math.ceil(WIDEST * len(widths)) - 1]), height), "pad"


def choose_resize(size: tuple[int, int], longest: int, neural_net: NeuralNetSection) -> tuple[int, int] | None:
    """Return the size that suits the network, keeping the ratio; None if the pictures have it already.

    Args:
        size: (width, height) of the pictures in pixels.
        longest: symbols in the longest label.
        neural_net: decides how many pixels a frame takes.
    """
    width, height = size
    needed = smallest_width(neural_net, FRAMES_PER_SYMBOL * longest)
    scale = max(needed / width, MIN_HEIGHT / height)
    if scale <= 1:
        scale = max(scale, SHRUNK_HEIGHT / height) if height > MAX_HEIGHT else 1
    if scale == 1:
        return None
    return math.ceil(width * scale), math.ceil(height * scale)


def choose_channels(shares: Sequence[float]) -> Literal[1, 3]:
    """Return 3 where too many pictures lose their contrast in gray, else 1; `shares` are those of `gray_share`."""
    lost = sum(share < LOST_IN_GRAY for share in shares)
    return 3 if lost > LOST_PICTURES * len(shares) else 1


def gray_share(pixels: npt.NDArray[np.uint8]) -> float:
    """Return how much of a picture's strongest contrast is left in gray: 1 for a gray picture, 0 where all is lost.

    The strongest contrast is the variance along the first principal component of its colours; the same contrast
    between black and white would have a third of that variance in gray.

    Args:
        pixels: uint8 [H, W, 3], RGB.
    """
    colours = pixels.reshape(-1, 3).astype(np.float64)
    covariance = np.cov(colours, rowvar=False, bias=True)
    strongest = float(np.linalg.eigvalsh(covariance)[-1])
    luma = np.array([0.299, 0.587, 0.114])
    return min(1.0, 3 * float(luma @ covariance @ luma) / strongest) if strongest > 1e-9 else 1.0


def _look(samples: Iterable[Sample]) -> list[tuple[tuple[int, int], float]]:
    """Return (width, height) and `gray_share` of the pictures that can be read."""
    colour = Pretreatment(ImageChannel=3)
    seen = []
    for sample in samples:
        try:
            picture = image.decode(sample.content.read())
        except (OSError, PictureError):
            continue  # `verify` names it; a proposal does not need every picture
        seen.append((picture.size, gray_share(image.pretreat(picture, colour, picture.size))))
    if not seen:
        raise SourceError("none of the pictures looked at can be read; see `python -m trainer verify`")
    return seen
