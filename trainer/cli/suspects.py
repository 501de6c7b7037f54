"""`python -m trainer suspects`: which labels are probably wrong?"""

import argparse
from pathlib import Path

from contract.files import write_atomically
from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.evaluation import report
from trainer.framework import import_keras
from trainer.progress import Terminal
from trainer.run import run_of
from trainer.training import assessment, suspicion
from trainer.training.suspicion import Search

SUMMARY = "list pictures whose labels a network that never saw them contradicts"
EXAMPLE = "python -m trainer suspects configs/model.yaml --minutes 10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--folds", type=int, default=suspicion.FOLDS, help="parts of the set (default %(default)s)")
    parser.add_argument(
        "--confidence", type=float, default=suspicion.CONFIDENCE, help="least of a reading (default %(default)s)"
    )
    parser.add_argument("--minutes", type=float, help="for all trainings together (default: as long as they take)")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="leave out the pictures that this list names")


def run(arguments: argparse.Namespace) -> int:
    """Search, write relabel.csv and a page with the pictures, and into the report if there is a trained model."""
    config, exclude = configs.read(arguments.config), quarantine.read(arguments.exclude)
    import_keras()
    from trainer.training import device  # noqa: PLC0415 - it imports keras

    progress = Terminal()
    ready = device.prepare(config)
    progress.say(str(ready))
    packed = pack.prepare(config, progress, exclude)
    search = Search(arguments.folds, arguments.confidence, arguments.minutes, ready.precision)
    found = suspicion.find(config, packed, search, progress)
    folder = run_of(config.Model)
    suspicion.write(folder.relabel, found.proposals)
    for one in found.proposals:
        print(f"{one.name}\tlabel {one.was}\tread {one.label}\t{one.confidence:.3f}")  # noqa: T201 - the result
    suspects = suspicion.items_of(config, found.proposals)
    write_atomically(folder.suspects, report.render_suspects(config.Model.ModelName, str(found), suspects).encode())
    progress.say(f"with their pictures: {folder.suspects}")
    if folder.spec.exists():
        with folder.alone():
            assessment.write_report(folder, assessment.read_test_set(config, packed, folder, progress), suspects)
        progress.say(f"and in the model's report: {folder.report}")
    progress.say(str(found))
    if found.proposals:
        progress.say(
            f"{folder.relabel}: delete the lines whose old label was right, mend others, then "
            f"python -m trainer relabel {arguments.config}"
        )
    return 0
