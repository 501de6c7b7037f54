"""`python -m trainer train`: from config to a proven model."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import quarantine
from trainer.framework import import_keras
from trainer.progress import Terminal
from trainer.run import run_of

SUMMARY = "pack, train, evaluate, export and prove a model"
EXAMPLE = "python -m trainer train configs/model.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--fresh", action="store_true", help="forget an earlier run instead of going on with it")
    parser.add_argument(
        "--warm-start",
        type=Path,
        metavar="RUN|MODEL.pb",
        help="take over what fits from a trained model: the folder of its run, its best.npz, or its .pb with the YAML; "
        "refused if that has learned from pictures which are now to test on",
    )
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="leave out the pictures that this list names")


def run(arguments: argparse.Namespace) -> int:
    """Train, and say what came of it."""
    config, exclude = configs.read(arguments.config), quarantine.read(arguments.exclude)
    import_keras()
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    progress = Terminal()
    exported = story.train(
        config,
        progress,
        fresh=arguments.fresh,
        exclude=exclude,
        warm_start=arguments.warm_start,
    )
    folder = run_of(config.Model)
    progress.say(exported.finding)
    print(exported.score)  # noqa: T201 - the result
    print(f"{folder.graph}\n{folder.spec}")  # noqa: T201
    return 0
