"""`python -m trainer pack`: decode, check, split and store a set, as `train` does when it is stale."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.progress import Terminal

SUMMARY = "pack the pictures for training; `train` does it when needed"
EXAMPLE = "python -m trainer pack configs/model.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="leave out the pictures that this list names")
    parser.add_argument("--force", action="store_true", help="pack again even if nothing has changed")


def run(arguments: argparse.Namespace) -> int:
    """Pack, if stale or forced."""
    config = configs.read(arguments.config)
    progress = Terminal()
    exclude = quarantine.read(arguments.exclude)
    packed = (pack.pack if arguments.force else pack.prepare)(config, progress, exclude)
    for finding in packed.warnings:
        progress.say(f"warning: {finding.text}")
    train = "drawn pictures" if packed.endless else f"{packed.counts['train']:,} pictures"
    progress.say(
        f"{pack.folder_of(config)}: {train} to train on, {packed.counts['test']:,} to test "
        f"on, {packed.excluded:,} left out, fingerprint {packed.fingerprint[:12]}"
    )
    return 0
