"""`python -m trainer publish`: copy the exported model to where the platform finds it."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.errors import TrainerError
from trainer.export.publish import PLATFORM, publish
from trainer.run import run_of

SUMMARY = "copy the exported model into the platform's folders, graph first, YAML last"
EXAMPLE = "python -m trainer publish configs/model.yaml --version 1.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--to", type=Path, default=PLATFORM, metavar="FOLDER", help="holds graph/ and model/")
    parser.add_argument("--version", help="publish under this version instead of the config's")


def run(arguments: argparse.Namespace) -> int:
    """Publish."""
    spec = run_of(configs.read(arguments.config).Model).spec
    if not spec.exists():
        raise TrainerError(f"{spec} is missing: train the model first")
    published = publish(spec, arguments.to, arguments.version)
    note = " (other bytes of this version were there before)" if published.replaced else ""
    print(f"{published.graph}\n{published.spec}{note}")  # noqa: T201 - the result
    return 0
