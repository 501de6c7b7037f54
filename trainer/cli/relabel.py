"""`python -m trainer relabel`: a label file with corrected labels; no picture is renamed or changed."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from contract.files import write_atomically
from trainer import config as configs
from trainer.config import TrainConfig
from trainer.dataset.sample import FileContent, Sample
from trainer.dataset.scan import scan
from trainer.errors import UsageError
from trainer.evaluation import relabel
from trainer.evaluation.relabel import Proposal
from trainer.progress import Terminal
from trainer.run import run_of

SUMMARY = "write a label file with the corrections of relabel.csv in it"
EXAMPLE = "python -m trainer relabel configs/model.yaml -o labels.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument(
        "corrections", type=Path, nargs="?", help="columns file,label (default: relabel.csv in the run's folder)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("labels.csv"), metavar="FILE", help="a .csv; default %(default)s"
    )
    parser.add_argument("--force", action="store_true", help="replace a FILE that is there")


def run(arguments: argparse.Namespace) -> int:
    """Write a label file for TrainsPath, and one for TestPath where the config has that."""
    config = configs.read(arguments.config)
    corrections = arguments.corrections or run_of(config.Model).relabel
    proposals = relabel.from_csv(_text(corrections), str(corrections))
    found = scan(config)
    output: Path = arguments.output
    files = {"TrainsPath": (output, found.train)}
    if found.test:
        files["TestPath"] = (output.with_stem(f"{output.stem}-test"), found.test)
    _refuse_unknown(found.samples, proposals)
    _refuse_outdated(config, found.samples, proposals)
    _refuse_to_replace([path for path, _ in files.values()], config, force=arguments.force)
    progress = Terminal()
    for key, (path, samples) in files.items():
        changed = _write(path, samples, proposals)
        progress.say(f"{path}: {changed:,} labels changed; to use them: System.{key}: {path.as_posix()}")
    return 0


def _write(path: Path, samples: Sequence[Sample], proposals: Sequence[Proposal]) -> int:
    """Write one label file and return how many labels of it are changed or gone."""
    before = {sample.name: sample.label or "" for sample in samples}
    after = relabel.corrected(before, [one for one in proposals if one.name in before])
    rows = [(_relative(sample, path), after[sample.name]) for sample in samples if sample.name in after]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, relabel.label_file(rows).encode())
    return sum(label != after.get(name, "") for name, label in before.items())


def _refuse_to_replace(paths: Sequence[Path], config: TrainConfig, *, force: bool) -> None:
    sources = {Path(path).resolve() for path in (*config.System.train_paths, *config.System.test_paths)}
    for path in paths:
        if path.suffix.lower() != ".csv":
            raise UsageError(f"-o {path}: what is written is CSV, so its name has to end in .csv")
        if path.resolve() in sources:
            raise UsageError(f"{path} is where the config has its labels from: give another name with -o")
        if path.exists() and not force:
            raise UsageError(f"{path} exists: give another name with -o, or --force to replace it")


def _refuse_unknown(samples: Sequence[Sample], proposals: Sequence[Proposal]) -> None:
    relabel.corrected({sample.name: sample.label or "" for sample in samples}, proposals)


def _refuse_outdated(config: TrainConfig, samples: Sequence[Sample], proposals: Sequence[Proposal]) -> None:
    """Refuse a table of other labels than these; a spreadsheet makes 42 of 0042, in both columns."""
    labels = {sample.name: config.charset.fold(sample.label or "") for sample in samples}
    other = [one for one in proposals if one.was and labels[one.name] not in {one.was, one.label}]
    if other:
        first = other[0]
        raise UsageError(
            f"{len(other):,} lines are of labels that have changed, or a spreadsheet has changed them: the label of "
            f"{first.name!r} is {labels[first.name]!r}, and its column `was` says {first.was!r}; mend or delete these "
            f"lines, and format the columns as text in a spreadsheet"
        )


def _relative(sample: Sample, label_file: Path) -> str:
    """Return a picture as the label file names it: from the folder that it lies in."""
    if not isinstance(sample.content, FileContent):
        raise UsageError(
            f"{sample.name} is no file of its own, so no label file can name it: unpack the pictures first"
        )
    try:
        return Path(os.path.relpath(sample.content.path, label_file.parent)).as_posix()
    except ValueError:  # on another drive of Windows
        return Path(sample.content.path).absolute().as_posix()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not in UTF-8 any more ({error}): save it again as CSV UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}; python -m trainer suspects writes one") from error
