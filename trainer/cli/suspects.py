"""`python -m trainer suspects`: which labels are probably wrong?"""

import argparse
from pathlib import Path

from contract.files import write_atomically
from trainer import config as configs
from trainer.config import TrainConfig
from trainer.dataset import pack, quarantine
from trainer.dataset.pack import PackedSet
from trainer.evaluation import report
from trainer.evaluation.report import Item
from trainer.framework import import_keras
from trainer.progress import Progress, Terminal
from trainer.run import Run, RunInUseError, run_of
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
    folder = run_of(config.Model)
    with pack.kept(config):
        found = suspicion.find(config, packed, search, progress)
        for one in found.proposals:
            print(f"{one.name}\tlabel {one.was}\tread {one.label}\t{one.confidence:.3f}")  # noqa: T201 - the result
        kept = suspicion.write(folder.relabel, found.proposals)
        if kept:
            progress.say(f"the table of an earlier search is {kept} now, with whatever was edited in it")
        suspects = suspicion.items_of(config, found.proposals)
        write_atomically(folder.suspects, report.render_suspects(config.Model.ModelName, str(found), suspects).encode())
        reported = folder.spec.exists() and _into_report(folder, config, packed, suspects, progress)
    progress.say(f"with their pictures: {folder.suspects}")
    if reported:
        progress.say(f"and in the model's report: {folder.report}")
    progress.say(str(found))
    if found.proposals:
        progress.say(
            f"{folder.relabel}: delete the lines whose old label was right, mend others, then "
            f"python -m trainer relabel {arguments.config}"
        )
    return 0


def _into_report(folder: Run, config: TrainConfig, packed: PackedSet, suspects: list[Item], progress: Progress) -> bool:
    try:
        with folder.alone():
            items = assessment.read_test_set(config, packed, folder, progress)
            assessment.write_report(folder, items, suspects, assessment.doubt(folder, packed))
    except RunInUseError as error:
        progress.say(
            f"warning: {error}; the model's report leaves the suspects out until `python -m trainer report` writes it "
            "again"
        )
        return False
    return True
