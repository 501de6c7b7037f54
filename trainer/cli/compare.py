"""`python -m trainer compare`: several trainings in one table and one figure."""

import argparse
import collections
from pathlib import Path

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract import spec as specs
from contract.files import write_atomically
from trainer import config as configs
from trainer.errors import UsageError
from trainer.evaluation import comparison, history
from trainer.evaluation.comparison import Training
from trainer.run import Run, run_of
from trainer.training import assessment

SUMMARY = "put several trainings into one table and one figure"
EXAMPLE = "python -m trainer compare out/first out/second -o compare.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a run's folder, out/<ModelName>")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("compare.png"), metavar="FILE", help="default %(default)s"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read the runs, print the table and draw the figure."""
    console = Console(highlight=False)
    named = zip(arguments.runs, _names(arguments.runs), strict=True)
    trainings = [_training(folder, name, console) for folder, name in named]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for training in trainings:
        table.add_column(escape(training.name), justify="right", overflow="fold")
    for name, cells in comparison.rows(trainings):
        table.add_row(name, *map(escape, cells))
    console.print(table)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.output, comparison.png(trainings))
    console.print(str(arguments.output), markup=False, soft_wrap=True)
    return 0


def _names(folders: list[Path]) -> list[str]:
    """Return the folders' names, or their whole paths where two have the same."""
    counts = collections.Counter(folder.resolve().name for folder in folders)
    return [name if counts[name := folder.resolve().name] == 1 else folder.as_posix() for folder in folders]


def _training(folder: Path, name: str, console: Console) -> Training:
    resolved = folder / "run" / "config.yaml"
    if not resolved.exists():
        raise UsageError(f"{folder} holds no training: {resolved} is missing; give the folder out/<ModelName> of a run")
    run = Run(folder, run_of(configs.read(resolved).Model).stem)  # the folder may have been renamed, or copied
    readings = history.from_csv(run.history.read_text("utf-8")) if run.history.exists() else []
    if not readings:
        raise UsageError(f"{folder} has not read its test set yet: there is nothing to compare")
    outdated = assessment.outdated(run)
    if outdated:
        console.print(
            f"{name}: the exported model is older than the training and is left out; export it again (a copied folder "
            "must keep the times of its files)",
            markup=False,
            soft_wrap=True,
        )
    spec = specs.read(run.spec) if run.spec.exists() and not outdated else None
    return Training(
        name=name,
        config=yaml.safe_load(resolved.read_text("utf-8")),
        history=readings,
        metrics=spec.Metrics if spec else None,
        speed=spec.Speed if spec else None,
        size=run.graph.stat().st_size if run.graph.exists() and not outdated else None,
    )
