"""Which labels to doubt: every picture is read by a network that never saw it, and contradictions are listed."""

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.files import sha256, write_atomically
from trainer.config import Arithmetic, TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples
from trainer.dataset.sample import Sample
from trainer.dataset.scan import scan
from trainer.errors import UsageError
from trainer.evaluation import relabel
from trainer.evaluation.relabel import Proposal
from trainer.evaluation.report import Item
from trainer.progress import Progress
from trainer.training import heldout
from trainer.training.warm import Donor

FOLDS = 3
CONFIDENCE = 0.6
READS_WELL = 0.95  # share of the labels that networks agree with: below, they misread much themselves
READS = 0.8  # ... and below this, they have not learned to read


@dataclass(frozen=True)
class Search:
    """How hard to look.

    Attributes:
        folds: parts of the set; each is read by a network trained on the others.
        confidence: a reading contradicts its label from here on, 0..1.
        minutes: for all trainings together; the rest of one that is out of time is left out. None: as long as it takes.
        precision: of the arithmetic in training.
    """

    folds: int = FOLDS
    confidence: float = CONFIDENCE
    minutes: float | None = None
    precision: Arithmetic = "float32"


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        proposals: the contradictions, the most confident first.
        agreement: share of the labels that the networks read as they are, 0..1.
    """

    proposals: list[Proposal]
    agreement: float

    def __str__(self) -> str:
        """Return the sentence that tells it."""
        agreed = f"networks that had not seen them read {self.agreement:.1%} of the pictures as labelled"
        if self.agreement >= READS_WELL:
            return f"{len(self.proposals):,} labels to doubt; {agreed}"
        if self.agreement >= READS:
            return (
                f"{len(self.proposals):,} labels to doubt; {agreed} only, so some of these are their own misreadings: "
                "look at each, the most confident first; more pictures, more --folds or --confidence 0.9 leave fewer"
            )
        return (
            f"{agreed}, so they have not learned to read, and what they doubt ({len(self.proposals):,} labels) means "
            "little: give them more time, or `trainer check` the set first"
        )


def find(config: TrainConfig, packed: PackedSet, search: Search, progress: Progress) -> Found:
    """Train on all folds but one and read that one, for each of them.

    Pictures of the same pixels are in the same fold: a copy that was learned would vouch for its own wrong label.

    Raises:
        UsageError: there are fewer pictures than folds.
    """
    if packed.endless:
        raise UsageError("the pictures are drawn, so their labels are right: there is nothing to suspect")
    examples = joined(packed.load("train"), packed.load("test"))
    numbers = fold_numbers(examples, max(1, search.folds))
    empty = [fold for fold in range(search.folds) if fold not in numbers]
    if search.folds < 2 or empty:
        raise UsageError(
            f"{len(examples):,} pictures cannot be split into {search.folds} folds: give --folds 2 or more"
        )
    doubted: list[Proposal] = []
    agreed = 0
    end = time.monotonic() + (60 * search.minutes if search.minutes else math.inf)
    donor = _primed(config, examples, search, progress)
    for fold in range(search.folds):
        held_out = numbers == fold
        plan = heldout.plan_for(config, int((~held_out).sum()), search.precision)
        now = time.monotonic()
        deadline = now + (end - now) / (search.folds - fold)
        with progress.steps(f"fold {fold + 1} of {search.folds}", plan.steps * plan.batch_size) as shown:
            training = heldout.Training(search.precision, shown, deadline, donor)
            verdicts = heldout.read(config, examples, held_out, training)
        for index, verdict in zip(np.flatnonzero(held_out).tolist(), verdicts, strict=True):
            name, label = examples.names[index], examples.labels[index]
            agreed += verdict.text == label
            if verdict.text != label and verdict.confidence >= search.confidence:
                doubted.append(Proposal(name, verdict.text, label, verdict.confidence))
    return Found(sorted(doubted, key=lambda one: (-one.confidence, one.name)), agreed / len(examples))


def _primed(config: TrainConfig, examples: Examples, search: Search, progress: Progress) -> Donor | None:
    """Return a network that has learned drawn letters, where a training on these pictures would begin with them."""
    plan = heldout.plan_for(config, len(examples), search.precision)
    if not plan.primer:
        return None
    from trainer.training import primer  # noqa: PLC0415 - late: it imports keras

    if search.minutes:
        config = config.model_copy(update={"Trains": config.Trains.model_copy(update={"MaxMinutes": search.minutes})})
    return primer.learn(config, plan, examples.labels, progress)


def joined(train: Examples, test: Examples) -> Examples:
    """Return both sides as one."""
    return Examples(
        np.concatenate([train.pixels, test.pixels]),
        train.labels + test.labels,
        train.names + test.names,
        train.sha256 + test.sha256,
        train.encoded + test.encoded,
    )


def fold_numbers(examples: Examples, folds: int) -> np.ndarray:
    """Return the fold of each picture, int64 [N], by its pixels alone."""
    return np.array([int(sha256(pixels.tobytes())[:12], 16) % folds for pixels in examples.pixels], np.int64)


def items_of(config: TrainConfig, proposals: list[Proposal]) -> list[Item]:
    """Return proposals with their pictures, for the report; empty where a picture is gone."""
    samples = {sample.name: sample for sample in scan(config).samples} if proposals else {}
    return [Item(one.name, one.was, one.label, one.confidence, _bytes(samples, one.name)) for one in proposals]


def recall(config: TrainConfig, path: Path) -> list[Item]:
    """Return what an earlier search found and wrote to `path`, less what has been relabelled or is gone since.

    Raises:
        UsageError: the file was edited into something else, or cannot be read.
        SourceError: the pictures are not where they were.
    """
    if not path.exists():
        return []
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}: save it again as UTF-8, or delete it") from error
    proposals = relabel.from_csv(text, str(path))
    labels = {sample.name: config.charset.fold(sample.label or "") for sample in scan(config).samples}
    return items_of(config, [one for one in proposals if labels.get(one.name) == one.was])


def write(path: Path, proposals: list[Proposal]) -> Path | None:
    """Write relabel.csv, and return under which name an earlier one is kept, in which a person may have edited."""
    content = relabel.to_csv(proposals).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = None
    earlier = path.read_bytes() if path.exists() else content
    if earlier != content:
        names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(1))
        kept = next(name for name in names if not name.exists())
        write_atomically(kept, earlier)
    write_atomically(path, content)
    return kept


def _bytes(samples: Mapping[str, Sample], name: str) -> bytes:
    try:
        return samples[name].content.read()
    except (KeyError, OSError):
        return b""
