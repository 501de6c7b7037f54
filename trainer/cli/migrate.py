"""`python -m trainer migrate`: from the config of captcha_trainer to ours."""

import argparse
from pathlib import Path

from contract.files import write_atomically
from trainer.errors import UsageError
from trainer.migration.story import Migrated, migrate
from trainer.progress import Terminal

SUMMARY = "turn a config of captcha_trainer, of either generation, into ours"
EXAMPLE = "python -m trainer migrate config.yaml model.yaml -o configs/mine.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="config.yaml and model.yaml of the early generation (2019), or model.yaml of the later one",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the config to write (default: configs/<ModelName>.yaml)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a config that is there already")


def run(arguments: argparse.Namespace) -> int:
    """Migrate, and name what was lost on the way."""
    migrated = migrate(arguments.files)
    output: Path = arguments.output or Path("configs", f"{migrated.name}.yaml")
    if output.exists() and not arguments.force:
        raise UsageError(f"{output} is there already; choose another name with -o, or --force to overwrite it")
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, migrated.text(output).encode())
    _tell(migrated, Terminal())
    Terminal().say(f"written to {output}; next: python -m trainer verify {output}")
    return 0


def _tell(migrated: Migrated, progress: Terminal) -> None:
    for title, sentences in (("left out", migrated.lost), ("different here", migrated.changed)):
        for sentence in sentences:
            progress.say(f"{title}: {sentence}")
