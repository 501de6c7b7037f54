"""`python -m trainer export`: make the artifact again from the best weights of a run."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.framework import import_keras
from trainer.progress import Terminal
from trainer.run import run_of

SUMMARY = "export the best weights of a run and prove the result"
EXAMPLE = "python -m trainer export configs/model.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="the list that the set was packed without")


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what came of it."""
    import_keras()
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    config = configs.read(arguments.config)
    folder = run_of(config.Model)
    packed = pack.prepare(config, Terminal(), quarantine.read(arguments.exclude))
    exported = story.export(config, packed, folder)
    proof = exported.proof
    print(  # noqa: T201 - the result
        f"{proof.pictures:,} test pictures read alike by the trained network and the exported graph; "
        f"largest difference of a score {proof.largest_difference:.1e}\n{exported.score}\n{folder.graph}\n{folder.spec}"
    )
    return 0
