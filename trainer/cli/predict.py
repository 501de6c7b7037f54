"""`python -m trainer predict`: read some pictures with the exported model."""

import argparse
import sys
from pathlib import Path

import engine
from trainer import config as configs
from trainer.run import run_of

SUMMARY = "read pictures with the exported model"
EXAMPLE = "python -m trainer predict configs/model.yaml picture.png another.jpg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE", help="picture files")


def run(arguments: argparse.Namespace) -> int:
    """Print name, text and confidence of each picture; 1 if one could not be read."""
    contents = [path.read_bytes() for path in arguments.pictures]
    recognizer = engine.load(run_of(configs.read(arguments.config).Model).spec)
    failed = False
    for path, reading in zip(arguments.pictures, recognizer.read(contents), strict=True):
        if reading.error:
            failed = True
            sys.stderr.write(f"{path}: {reading.error}\n")
        else:
            print(f"{path}\t{reading.text}\t{reading.confidence:.4f}")  # noqa: T201 - the result
    return int(failed)
