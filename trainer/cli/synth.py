"""`python -m trainer synth`: generated pictures to try everything with."""

import argparse
import re
from pathlib import Path

from contract import charset as charsets
from contract.errors import CharsetError
from trainer import parallel
from trainer.config.synthetic import MAX_LENGTH, MAX_SIDE, MIN_SIDE
from trainer.dataset.endless import check_fonts
from trainer.dataset.synth import Drawing, generate
from trainer.progress import Terminal

SUMMARY = "generate labelled pictures to try the trainer with"
EXAMPLE = "python -m trainer synth data/digits --count 6000 --charset NUMERIC --length 4 --size 160x60 --seed 1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", type=Path, help="where to write label_hash.png files")
    parser.add_argument("--count", type=_count, default=6000, help="how many pictures (default %(default)s)")
    parser.add_argument(
        "--charset",
        type=_symbols,
        default="NUMERIC",
        help="a built-in set, or the symbols themselves (default %(default)s)",
    )
    parser.add_argument("--length", type=_lengths, default=(4, 4), help="of the labels: 4, or 4-6 (default 4)")
    parser.add_argument("--size", type=_size, default=(160, 60), help="in pixels (default 160x60)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other pictures (default %(default)s)")
    parser.add_argument("--fonts", nargs="+", default=[], metavar="FILE", help="default: the package's DroidSansMono")
    parser.add_argument("--font-sizes", nargs="+", type=_count, default=[], metavar="PIXELS", help="default: 42 50 56")
    parser.add_argument("--workers", type=_count, help="processes to draw with (default: every core)")


def run(arguments: argparse.Namespace) -> int:
    """Generate."""
    drawing = Drawing(
        arguments.charset,
        arguments.length,
        arguments.size,
        arguments.seed,
        fonts=tuple(arguments.fonts),
        font_sizes=tuple(arguments.font_sizes),
    )
    check_fonts(drawing)
    progress = Terminal()
    generate(arguments.folder, arguments.count, drawing, parallel.worker_count(arguments.workers), progress)
    progress.say(f"{arguments.count:,} pictures in {arguments.folder}")
    return 0


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return count


def _symbols(text: str) -> tuple[str, ...]:
    try:
        return charsets.build(text).symbols
    except CharsetError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _lengths(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", text)
    shortest, longest = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= shortest <= longest <= MAX_LENGTH:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of 1 to {MAX_LENGTH}: give 4, or 4-6")
    return shortest, longest


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise argparse.ArgumentTypeError(f"{text!r} is no size of {MIN_SIDE} to {MAX_SIDE} pixels a side: give 160x60")
    return width, height
