"""Generated pictures, drawn by the PyPI package `captcha` on all cores: a set to try everything with, or without end.

Everything about a picture follows from the seed and its number, so that the same command writes the same files on
every number of cores, and a larger count keeps the pictures of a smaller one.
"""

import functools
import hashlib
import io
import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from trainer import parallel
from trainer.errors import UsageError
from trainer.progress import Progress

PACKAGE_HEIGHT = 60  # pixels: what the package's font sizes are made for
FONT_SIZES = (42, 50, 56)  # pixels, the package's own

BEGIN_WITH = 100  # symbols of a curriculum's beginning

# Not allowed in file names on some system, or taken for the end of the label by the default TrainRegex.
NOT_IN_NAMES = frozenset('_/\\:*?"<>|. ')


@dataclass(frozen=True)
class Drawing:
    """What to draw.

    Attributes:
        symbols: labels are made of these.
        lengths: (shortest, longest) label, both included.
        size: (width, height) in pixels.
        seed: other seeds draw other pictures.
        fonts: files, of which each symbol takes one; none means the package's own font.
        font_sizes: in pixels; none means the package's own, less for low pictures.
        stream: other streams of the same seed draw other pictures.
        curriculum: pictures before this number are made of at most `BEGIN_WITH` of the symbols.
    """

    symbols: tuple[str, ...]
    lengths: tuple[int, int]
    size: tuple[int, int]
    seed: int
    fonts: tuple[str, ...] = ()
    font_sizes: tuple[int, ...] = ()
    stream: str = ""
    curriculum: int = 0


def generate(folder: Path, count: int, drawing: Drawing, workers: int, progress: Progress) -> None:
    """Write `count` pictures named `label_hash.png` into a folder; files that are there already stay.

    Raises:
        UsageError: symbols that cannot stand in a file name.
        OSError: the folder cannot be written.
    """
    unfit = [symbol for symbol in drawing.symbols if symbol in NOT_IN_NAMES or not symbol.isprintable()]
    if unfit:
        raise UsageError(f"symbols that cannot stand in a file name: {' '.join(map(repr, unfit))}; leave them out")
    folder.mkdir(parents=True, exist_ok=True)
    with progress.steps("Generating", count) as bar:
        write = functools.partial(_write_chunk, folder=folder, drawing=drawing)
        for chunk in parallel.in_order(write, range(count), workers):
            bar.advance(len(chunk))


def draw(number: int, drawing: Drawing) -> tuple[str, bytes]:
    """Return the label and the PNG bytes of one picture; the same ones whenever it is called."""
    label, picture = paint(number, drawing)
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return label, content.getvalue()


def paint(number: int, drawing: Drawing) -> tuple[str, Image.Image]:
    """Return the label and one picture, in RGB; the same ones whenever it is called."""
    label = label_of(number, drawing)
    with _seeded(f"picture {_seed(number, drawing)}"):
        picture: Image.Image = _painter(drawing.size, drawing.fonts, font_sizes(drawing)).generate_image(label)
    return label, picture


def label_of(number: int, drawing: Drawing) -> str:
    """Return the label of one picture, without drawing it."""
    choose = random.Random(f"label {_seed(number, drawing)}")  # noqa: S311 - pictures, not secrets
    length = choose.randint(*drawing.lengths)
    return "".join(choose.choices(symbols_of(number, drawing), k=length))


def symbols_of(number: int, drawing: Drawing) -> tuple[str, ...]:
    """Return what the label of one picture may be made of."""
    if number >= drawing.curriculum:
        return drawing.symbols
    # From everywhere, for neighbours look alike: they have the same radical.
    return drawing.symbols[:: -(-len(drawing.symbols) // BEGIN_WITH)]


def font_sizes(drawing: Drawing) -> tuple[int, ...]:
    """Return the sizes in pixels that symbols are drawn in."""
    scale = min(1.0, drawing.size[1] / PACKAGE_HEIGHT)  # lower pictures would cut the symbols off
    return drawing.font_sizes or tuple(max(6, round(size * scale)) for size in FONT_SIZES)


def _seed(number: int, drawing: Drawing) -> str:
    return f"{drawing.stream} {drawing.seed} {number}".lstrip()


def _write_chunk(numbers: Sequence[int], folder: Path, drawing: Drawing) -> list[None]:
    for number in numbers:
        label, content = draw(number, drawing)
        path = folder / f"{label}_{hashlib.sha256(content).hexdigest()[:12]}.png"
        # Renamed whole, so that an interrupted run leaves no half picture. Not flushed to disk one by one as
        # `write_atomically` does: that would take longer than drawing them, and they can be drawn again.
        temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
        temporary.write_bytes(content)
        temporary.replace(path)
    return [None] * len(numbers)


@functools.cache
def _painter(size: tuple[int, int], fonts: tuple[str, ...], sizes: tuple[int, ...]) -> Any:  # noqa: ANN401 - no types
    from captcha.image import ImageCaptcha  # noqa: PLC0415 - late: only those who draw need it

    return ImageCaptcha(*size, fonts=list(fonts), font_sizes=sizes)


@contextmanager
def _seeded(seed: str) -> Iterator[None]:
    """Seed the module-level generator, which the package draws with, and put its state back."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
