"""Read a folder of pictures and propose a config for it. The choices are pure functions of what was read."""

import collections
import math
import re
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from contract.pretreatment import LARGEST_SIDE, Fitting
from trainer.config import NeuralNetSection
from trainer.dataset import sources
from trainer.dataset.alphabet import fitting_charset
from trainer.dataset.looks import choose_channels, look
from trainer.dataset.sample import Sample
from trainer.errors import SourceError
from trainer.network.geometry import smallest_width

LOOKED_AT = 1000  # pictures opened at most: sizes and colours are clear by then

LABEL_FILES = frozenset({".csv", ".tsv", ".txt"})

BEFORE_UNDERSCORE = ".*?(?=_)"
BEFORE_DOT = r".*?(?=\.)"
BEFORE_COPY = r".*?(?= \(\d+\)\.|[_.])"  # of label.png with label_1.png or label (1).png beside it
COPY = re.compile(r"(.+?)(?: \(\d+\)|_\d+)")
BEFORE_LAST_DOT = r".*(?=\.)"  # for numbers such as 15.5.png
DECIMAL = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d{1,4})?")  # others are likelier to be a label and a number

FRAMES_PER_SYMBOL = 3  # CTC needs room between symbols
MIN_HEIGHT = 28  # pixels: below, the pools leave too little of a symbol
MAX_HEIGHT = 96  # pixels: above, training pays for detail that text does not have
SHRUNK_HEIGHT = 64  # pixels

STRETCHED = 1.1  # times wider or narrower than most, for their height: symbols look like others from about there
MANY_STRETCHED = 0.05  # share of pictures that would be, from which on they keep their ratio
WIDEST = 0.99  # share of pictures that the width has room for; a few much wider ones shall not cost all the others
MOST = 0.5  # share of pictures from which on their size is that of the set
MANY_SYMBOLS = 500  # from which on the network gets twice the hidden units, as in configs/chinese.yaml
NUMBERED = 20  # labels from which on it is no chance that they are a run of numbers
OUTLIER = 1.5  # times as long as all but a hundredth: a name that is no label, for which no picture is made wider


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
        on_white: for `ReplaceTransparent`.
        passed_over: kinds of files beside the pictures that may hold labels.
        numbers: the first and the last label, if they are all numbers in a row, as files are numbered.
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
    on_white: bool = True
    passed_over: tuple[str, ...] = ()
    numbers: tuple[str, str] | None = None

    @property
    def hidden(self) -> int:
        """For `HiddenNum`."""
        return 128 if len(self.symbols) >= MANY_SYMBOLS else 64

    @property
    def lengths_text(self) -> str:
        """The lengths for a person: `1 symbol`, `4 symbols`, or `4 to 6 symbols`."""
        shortest, longest = self.lengths
        noun = "symbol" if longest == 1 else "symbols"
        return f"{longest} {noun}" if shortest == longest else f"{shortest} to {longest} {noun}"


def propose(place: Path, neural_net: NeuralNetSection = NeuralNetSection()) -> Proposal:  # noqa: B008 - frozen
    """Read a folder, or another place that `TrainsPath` can name, and propose a config.

    Raises:
        SourceError: it is missing, holds no picture that can be read or is small enough, or its file names have no
            labels.
    """
    regex, samples, passed_over = labelled(place)
    labels = [sample.label for sample in samples if sample.label]
    if not labels:
        raise SourceError(f"no label in names such as {samples[0].name!r}: name the files label_anything.png")
    if len(samples) > 1 and {sample.label for sample in samples} == {labels[0]}:
        raise SourceError(
            f"every picture would have the label {labels[0]!r}, as {samples[0].name!r}: name the files "
            f"label_anything.png, or give the file that holds the labels"
        )
    seen, troubles = look(sample.content.read for sample in samples[:: math.ceil(len(samples) / LOOKED_AT)])
    if not seen:
        raise SourceError(f"none of the pictures looked at can be read; the first: {troubles[0]}")
    size, fit = choose_size([one.size for one in seen])
    lengths = [len(label) for label in labels]
    resize = choose_resize(size, longest_of(lengths), neural_net)
    if max(*size, *(resize or size)) > LARGEST_SIDE:
        seen_as = f", which the network would see as {resize[0]}x{resize[1]}" if resize else ""
        raise SourceError(
            f"pictures of {size[0]}x{size[1]}{seen_as}: cut them to at most {LARGEST_SIDE:,} pixels a side"
        )
    symbols = sorted({symbol for label in labels for symbol in label})
    return Proposal(
        regex=regex,
        charset=fitting_charset(symbols),
        size=size,
        fit=fit,
        resize=resize,
        channels=choose_channels([one.lost_in_gray for one in seen]),
        pictures=len(samples),
        lengths=(min(lengths), max(lengths)),
        symbols=tuple(symbols),
        other_sizes=sum(one.size != size for one in seen) / len(seen),
        on_white=sum(one.lost_on_white for one in seen) <= len(seen) / 2,
        passed_over=passed_over,
        numbers=numbers_in_a_row(labels),
    )


def labelled(place: Path) -> tuple[str, list[Sample], tuple[str, ...]]:
    """Return the label pattern that fits the names, the samples, labelled by it and sorted, and kinds passed over.

    Raises:
        SourceError: the place is missing, or holds no picture.
    """
    ignored = sources.Ignored()
    names = [PurePath(sample.name).name for sample in sources.read(place, re.compile(BEFORE_UNDERSCORE), ignored)]
    regex = choose_regex(names)
    samples = sorted(sources.read(place, re.compile(regex), ignored), key=lambda sample: sample.name)
    return regex, samples, tuple(sorted(LABEL_FILES & ignored.keys()))


def choose_regex(names: Collection[str]) -> str:
    """Return the label pattern: the text before the first `_` if nearly all names have one, else before the dot.

    Before the last dot if the names are decimal numbers, and have a second one; before the number of a copy if some
    are copies, whose labels have no symbols that the others do not have.
    """
    with_underscore = sum("_" in name for name in names)
    if with_underscore >= 0.9 * len(names):
        return BEFORE_UNDERSCORE
    stems = [PurePath(name).stem for name in names]
    decimals = any("." in stem for stem in stems) and all(DECIMAL.fullmatch(stem) for stem in stems)
    if decimals:
        return BEFORE_LAST_DOT
    copied = {stem: found.group(1) for stem in stems if (found := COPY.fullmatch(stem))}
    symbols = {symbol for stem in stems if stem not in copied for symbol in stem}
    return BEFORE_COPY if copied and symbols.issuperset("".join(copied.values())) else BEFORE_DOT


def numbers_in_a_row(labels: Sequence[str]) -> tuple[str, str] | None:
    """Return the first and the last of labels that are many numbers in a row, one each: hardly what pictures show."""
    if len(labels) < NUMBERED or not all(label.isascii() and label.isdigit() for label in labels):
        return None
    numbers = sorted(labels, key=int)
    in_a_row = [int(label) for label in numbers] == list(range(int(numbers[0]), int(numbers[0]) + len(numbers)))
    return (numbers[0], numbers[-1]) if in_a_row else None


def choose_size(sizes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], Fitting]:
    """Return the size to train at, and how pictures of other sizes get it.

    Most pictures' size, or the middle one where most have sizes of their own. The others are stretched to it; where
    that would make many of them much wider or narrower than they are, all keep their ratio, and the width is that of
    the widest.

    Args:
        sizes: (width, height) of each picture in pixels.
    """
    ((width, height), count), *_ = collections.Counter(sizes).most_common(1)
    if count < MOST * len(sizes):
        height = round(statistics.median(height for _, height in sizes))
        width = max(1, round(height * statistics.median(width / height for width, height in sizes)))
    widths = sorted(height * other_width / other_height for other_width, other_height in sizes)
    stretched = sum(max(width / other, other / width) > STRETCHED for other in widths)
    if stretched <= MANY_STRETCHED * len(sizes):
        return (width, height), "stretch"
    return (math.ceil(widths[math.ceil(WIDEST * len(widths)) - 1]), height), "pad"


def longest_of(lengths: Sequence[int]) -> int:
    """Return the longest label that pictures are to have room for; `verify` names those of a few that are no labels."""
    usual = sorted(lengths)[math.ceil(WIDEST * len(lengths)) - 1]
    return max((length for length in lengths if length <= OUTLIER * usual), default=usual)


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
