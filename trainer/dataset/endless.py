"""Pictures without end, drawn in worker processes while training. No tensorflow here: the workers import this.

Training sees the pictures 0, 1, 2, ... of its seed, each a pure function of seed and number: an interrupted run goes on
with the very next one, and the number of workers changes nothing. The test set is drawn from another stream of the same
seed and goes the way of all pictures: verified, packed, and kept with its files.
"""

import functools
import importlib.metadata
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageFont

from contract import image
from contract.files import sha256
from contract.pixels import Pixels
from contract.pretreatment import Pretreatment
from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset.curriculum import curriculum_of
from trainer.dataset.sample import Sample
from trainer.dataset.synth import Drawing, draw, font_sizes, label_of, paint, symbols_of
from trainer.errors import DataError, SourceError
from trainer.network.geometry import frames, smallest_width

TEST_STREAM = "test"
TEST_PICTURES = 2_000  # unless System.TestSetNum says otherwise

AHEAD = 2  # batches under way for each worker, so that none waits for the next order

# No font has these code points, so a font draws them as what stands for a missing symbol.
NEVER_ASSIGNED = "\uffff"


@dataclass(frozen=True)
class Drawn:
    """Pictures in a row.

    Attributes:
        labels: as drawn.
        pixels: contract pixels uint8 [N, H, W, C].
    """

    labels: list[str]
    pixels: Pixels


@dataclass(frozen=True)
class Endless:
    """A source of pictures that never come twice.

    Attributes:
        drawing: what is drawn.
        pretreatment: of the config.
        size: (width, height) in pixels that the network sees.
        epoch: pictures that count as an epoch.
        workers: processes.
    """

    drawing: Drawing
    pretreatment: Pretreatment
    size: tuple[int, int]
    epoch: int
    workers: int

    def labels(self, count: int, number: int) -> list[str]:
        """Return at most so many labels as the picture of this number may have: of few symbols, or of all."""
        first = self.drawing.curriculum
        alike = range(first) if number < first else range(first, first + count)
        return [label_of(one, self.drawing) for one in alike[:count]]

    def symbols(self, number: int) -> int:
        """Return how many symbols the picture of this number may be made of."""
        return len(symbols_of(number, self.drawing))

    def batches(self, numbers: range, batch_size: int) -> Iterator[Drawn]:
        """Yield the pictures with these numbers in batches, drawn ahead in worker processes.

        Raises:
            DataError: a worker was killed.
            Exception: whatever happened in a worker.
        """
        chunks = (numbers[start : start + batch_size] for start in range(0, len(numbers), batch_size))
        render = functools.partial(_render, source=self)
        try:
            with parallel.processes(self.workers) as pool:
                yield from parallel.bounded(pool, render, chunks, ahead=AHEAD * self.workers + 1)
        except BrokenProcessPool as error:
            raise DataError(
                "a process that draws pictures was ended from outside, perhaps for want of memory: lower "
                "Synthetic.Workers, and the same command goes on"
            ) from error


def source_of(config: TrainConfig) -> Endless:
    """Return the pictures that a config with `TrainsPath: synthetic` trains on."""
    workers = config.Synthetic.Workers or parallel.worker_count(config.System.Threads)
    drawing = replace(drawing_of(config), curriculum=curriculum_of(config))
    return Endless(drawing, config.Pretreatment, config.input_size, config.Synthetic.Epoch, workers)


def drawing_of(config: TrainConfig, stream: str = "") -> Drawing:
    """Return what a config has drawn."""
    return Drawing(
        symbols=config.charset.symbols,
        lengths=config.Synthetic.lengths,
        size=(config.Model.ImageWidth, config.Model.ImageHeight),
        seed=config.System.Seed,
        fonts=tuple(config.Synthetic.Fonts),
        font_sizes=tuple(config.Synthetic.FontSizes),
        stream=stream,
    )


def generator_of(config: TrainConfig) -> dict[str, Any]:
    """Return all that decides what is drawn, symbols aside, as JSON values: equal for equal pictures.

    Raises:
        SourceError: a font is missing.
    """
    drawing = drawing_of(config)
    return {
        "Length": list(drawing.lengths),
        "Size": list(drawing.size),
        "Fonts": [sha256(_font_bytes(font)) for font in drawing.fonts],
        "FontSizes": list(font_sizes(drawing)),
        "Seed": drawing.seed,
        # Other versions may draw the same label otherwise: Pillow brings its own FreeType along.
        "captcha": importlib.metadata.version("captcha"),
        "Pillow": importlib.metadata.version("Pillow"),
    }


def held_out(config: TrainConfig) -> tuple[Sample, ...]:
    """Return the pictures to test on, which training never sees. They are drawn when they are read.

    Raises:
        SourceError: a font is missing, or has not all of the symbols.
    """
    drawing = drawing_of(config, TEST_STREAM)
    check_fonts(drawing)
    stamp = sha256(repr((generator_of(config), drawing.symbols)).encode())[:16]
    count = config.System.TestSetNum or TEST_PICTURES
    return tuple(
        Sample(f"synthetic#{number:06}", label_of(number, drawing), DrawnContent(drawing, number, stamp))
        for number in range(count)
    )


def check_room(config: TrainConfig) -> None:
    """Refuse lengths that CTC could not read: equal neighbours, which may be drawn, need a frame between them.

    Raises:
        SourceError: a label of this config may need more frames than its network has.
    """
    net, longest = config.NeuralNet, config.Synthetic.lengths[1]
    there, needed = frames(net, config.input_size[0]), 2 * longest - 1
    if net.Head == "CTC" and there < needed:
        raise SourceError(
            f"Synthetic.Length has labels of {longest} symbols, which need up to {needed} frames, and this network "
            f"makes {there} of {config.input_size[0]} pixels of width: lower it, or widen the pictures to "
            f"{smallest_width(net, needed)}"
        )


def check_fonts(drawing: Drawing) -> None:
    """Refuse fonts that cannot draw the symbols.

    Raises:
        SourceError: a font is missing, or has not all of the symbols.
    """
    for font in drawing.fonts or (None,):
        _refuse_missing_symbols(font, font_sizes(drawing)[0], drawing.symbols)


@dataclass(frozen=True)
class DrawnContent:
    """A picture file that is drawn whenever it is read, and the same each time."""

    drawing: Drawing
    number: int
    version: str

    def read(self) -> bytes:
        """Return the bytes of a PNG."""
        return draw(self.number, self.drawing)[1]

    def stamp(self) -> str:
        """Return what they follow from."""
        return f"{self.version}:{self.number}"


def _render(numbers: range, source: Endless) -> Drawn:
    painted = [paint(number, source.drawing) for number in numbers]
    pixels = [image.pretreat(picture, source.pretreatment, source.size) for _, picture in painted]
    return Drawn([label for label, _ in painted], np.stack(pixels))


@functools.cache
def _refuse_missing_symbols(font: str | None, size: int, symbols: tuple[str, ...]) -> None:
    opened = _opened(font, size)
    blank = opened.getmask(NEVER_ASSIGNED)
    missing = [symbol for symbol in symbols if _same(opened.getmask(symbol), blank)]
    if missing:
        name = f"the font {font!r}" if font else "the package's own font"
        raise SourceError(
            f"{name} lacks {len(missing):,} of {len(symbols):,} symbols and would draw boxes instead "
            f"({' '.join(missing[:20])}); name fonts that have them all"
        )


def _opened(font: str | None, size: int) -> ImageFont.FreeTypeFont:
    if font is None:
        from captcha.image import DEFAULT_FONTS  # noqa: PLC0415 - late, as in synth

        return ImageFont.truetype(DEFAULT_FONTS[0], size)
    _font_bytes(font)
    try:
        return ImageFont.truetype(font, size)
    except OSError as error:
        raise SourceError(f"{font!r} is no font that can be drawn with: {error}") from error


def _same(mask: Any, other: Any) -> bool:  # noqa: ANN401 - PIL publishes no type
    return bool(mask.size == other.size and bytes(mask) == bytes(other))


@functools.cache
def _font_bytes(font: str) -> bytes:
    try:
        return Path(font).read_bytes()
    except OSError as error:
        where = f"(looked from {Path.cwd()})"
        raise SourceError(f"the font {font!r} cannot be read: {error.strerror or error} {where}") from error
