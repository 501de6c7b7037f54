"""`python -m trainer report`: write the report of a trained model again."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.progress import Terminal
from trainer.run import run_of
from trainer.training import assessment, lineage, suspicion

SUMMARY = "read the test set with the exported model and write report.html again"
EXAMPLE = "python -m trainer report configs/model.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="the list that the set was packed without")


def run(arguments: argparse.Namespace) -> int:
    """Write the report, with the suspects that an earlier `suspects` has found."""
    config = configs.read(arguments.config)
    progress = Terminal()
    packed = pack.prepare(config, progress, quarantine.read(arguments.exclude))
    folder = run_of(config.Model)
    with folder.alone():
        if assessment.outdated(folder):
            progress.say(
                f"warning: {folder.spec} is older than the training in {folder.folder}: the report is of an earlier "
                f"training's model; python -m trainer export {arguments.config} makes the newer one"
            )
        items = assessment.read_test_set(config, packed, folder, progress)
        found = assessment.doubt(folder, packed)
        if found:
            progress.say(f"warning: {lineage.advised(found, packed, folder.learned)}")
        assessment.write_report(folder, items, suspicion.recall(config, folder.relabel), found)
    print(folder.report)  # noqa: T201 - the result
    return 0
