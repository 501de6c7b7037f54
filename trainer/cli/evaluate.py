"""`python -m trainer evaluate`: how well the exported model reads the test set."""

import argparse
from pathlib import Path

import engine
from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.evaluation.metrics import score
from trainer.progress import Terminal
from trainer.run import run_of

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
    test = pack.prepare(config, progress, quarantine.read(arguments.exclude)).load("test")
    recognizer = engine.load(run_of(config.Model).spec)
    readings = []
    size = config.Trains.TestBatchSize
    with progress.steps("evaluate", len(test)) as steps:
        for start in range(0, len(test), size):
            part = test.encoded[start : start + size]
            readings += recognizer.read(part)
            steps.advance(len(part))
    if arguments.errors:
        for name, label, reading in zip(test.names, test.labels, readings, strict=True):
            if label != reading.text:
                print(f"{name}\tlabel {label}\tread {reading.text}\t{reading.confidence:.3f}")  # noqa: T201 - the result
    print(score(test.labels, [reading.text for reading in readings]))  # noqa: T201
    return 0
