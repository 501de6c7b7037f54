"""`python -m trainer check`: will this training work? Answered in half a minute."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.framework import import_keras
from trainer.progress import Terminal

SUMMARY = "learn two batches by heart, export them and read them back, before a long training"
EXAMPLE = "python -m trainer check configs/model.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="leave out the pictures that this list names")


def run(arguments: argparse.Namespace) -> int:
    """Check, and say what was done."""
    config, exclude = configs.read(arguments.config), quarantine.read(arguments.exclude)
    import_keras()
    from trainer.training import check, device  # noqa: PLC0415 - these import keras

    progress = Terminal()
    progress.say(str(device.prepare(config)))
    packed = pack.prepare(config, progress, exclude)
    print(check.check(config, packed, progress))  # noqa: T201 - the result
    return 0
