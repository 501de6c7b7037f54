"""`python -m trainer predict`: read some pictures with the exported model."""

import argparse
import sys
from pathlib import Path

import engine
from trainer import config as configs
from trainer.run import run_of

SUMMARY = "read pictures with the exported model"
EXAMPLE = "python -m trainer predict configs/model.yaml picture.png another.jpg"

AT_ONCE = 64  # pictures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE", help="picture files")


def run(arguments: argparse.Namespace) -> int:
    """Print name, text and confidence of each picture; 1 if one could not be read."""
    recognizer = engine.load(run_of(configs.read(arguments.config).Model).spec)
    failed = False
    for start in range(0, len(arguments.pictures), AT_ONCE):
        paths = arguments.pictures[start : start + AT_ONCE]
        for path, reading in zip(paths, recognizer.read([path.read_bytes() for path in paths]), strict=True):
            if reading.error:
                failed = True
                sys.stderr.write(f"{path}: {reading.error}\n")
            else:
                print(f"{path}\t{reading.text}\t{reading.confidence:.4f}")  # noqa: T201 - the result
    return int(failed)
