"""`python -m trainer preview`: a picture of what training sees."""

import argparse
import contextlib
import itertools
from pathlib import Path

import numpy as np

from contract.files import write_atomically
from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.errors import UsageError
from trainer.evaluation.sheet import contact_sheet
from trainer.framework import import_keras
from trainer.progress import Terminal

SUMMARY = "write a contact sheet of what training sees, varied as it varies them, with labels"
EXAMPLE = "python -m trainer preview configs/model.yaml -o preview.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("preview.png"), metavar="FILE", help="default %(default)s"
    )
    parser.add_argument("--count", type=int, default=60, help="pictures (default %(default)s)")
    parser.add_argument("--step", type=int, default=0, help="from which step of the training on (default %(default)s)")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="leave out the pictures that this list names")


def run(arguments: argparse.Namespace) -> int:
    """Draw the sheet from the very batches that `train` would learn from."""
    config, exclude = configs.read(arguments.config), quarantine.read(arguments.exclude)
    import_keras()
    from trainer.training.pipeline import batches_of, epoch_pictures, source_of  # noqa: PLC0415 - these import keras
    from trainer.training.recipe import choose  # noqa: PLC0415

    progress = Terminal()
    packed = pack.prepare(config, progress, exclude)
    plan = choose(config, epoch_pictures(config, packed), "float32")
    with contextlib.closing(batches_of(source_of(config, packed), config, plan, first_step=arguments.step)) as drawn:
        needed = list(itertools.islice(drawn, -(-arguments.count // plan.batch_size)))
    if not needed:
        raise UsageError(f"the training has {plan.steps:,} steps: give --step less than that, and a --count above 0")
    pictures = np.concatenate([np.asarray(batch.images) for batch in needed])[: arguments.count]
    texts = [config.charset.decode(row) for batch in needed for row in np.asarray(batch.labels).tolist()]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.output, contact_sheet(pictures, texts[: arguments.count]))
    progress.say(f"{shown_sentence(len(pictures), epoch_pictures(config, packed))} in {arguments.output}")
    return 0


def shown_sentence(shown: int, epoch: int) -> str:
    """Say how many pictures are on a sheet, of how many in an epoch of the training."""
    if shown <= epoch:
        return f"{shown:,} pictures of {epoch:,}"
    return f"{shown:,} pictures, for training shows its {epoch:,} again and again,"
