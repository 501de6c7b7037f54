"""`python -m trainer evaluate`: how well the exported model reads the test set."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.evaluation.metrics import by_length, lengths_sentence, score
from trainer.progress import Terminal
from trainer.run import run_of
from trainer.training import assessment, lineage

SUMMARY = "read the whole test set with the exported model"
EXAMPLE = "python -m trainer evaluate configs/model.yaml --errors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--errors", action="store_true", help="list the pictures that were read wrong")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="the list that the set was packed without")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate from picture bytes on, as the platform reads them."""
    config = configs.read(arguments.config)
    progress = Terminal()
    packed = pack.prepare(config, progress, quarantine.read(arguments.exclude))
    folder = run_of(config.Model)
    items = assessment.read_test_set(config, packed, folder, progress)
    for item in items if arguments.errors else ():
        if item.text != item.label:
            print(f"{item.name}\tlabel {item.label}\tread {item.text}\t{item.confidence:.3f}")  # noqa: T201 - the result
    found = assessment.doubt(folder, packed)
    if found:
        progress.say(f"warning: {lineage.advised(found, packed, folder.learned)}")
    labels, texts = [item.label for item in items], [item.text for item in items]
    print(score(labels, texts))  # noqa: T201
    lengths = by_length(labels, texts)
    if len(lengths) > 1:
        print(lengths_sentence(lengths))  # noqa: T201
    return 0
