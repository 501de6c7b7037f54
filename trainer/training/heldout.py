"""Pictures read by a network that was trained on others, at several moments, before it knows labels by heart.

What a network learns first is what many labels agree on; wrong ones it learns by heart last, when the rate falls (Arpit
et al. 2017; Liu et al. 2020, "Early-learning regularization prevents memorization of noisy labels"). So a training that
is to tell wrong labels is a usual one that ends as soon as it reads pictures that it never saw well and no better than
before, and its readings at several moments are taken together: what it knows it reads each time alike.
"""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from contract.decode import DamagedError, Decoded
from contract.pixels import Pixels
from trainer.config import Arithmetic, TrainConfig
from trainer.dataset.records import Examples
from trainer.errors import DivergedError
from trainer.progress import Steps
from trainer.training import recipe as recipes
from trainer.training.pipeline import batches, label_matrix
from trainer.training.recipe import Recipe
from trainer.training.warm import SOME, Donor

if TYPE_CHECKING:
    from trainer.training.learner import Learner

READINGS = 10  # of the held-out pictures in a whole training
POOLED = 3  # of the newest of them, that are taken together
LEARNED = 0.95  # share of the labels: a network that agrees with less may yet get better, however long it did not
BETTER = 0.005  # of the labels: less than this more from the first to the last of the pooled ones is no better


@dataclass(frozen=True)
class Verdict:
    """What a network makes of a picture that it never saw.

    Attributes:
        text: as it was read, at most moments and most surely.
        confidence: of that text, 0..1: the mean of all moments, 0 for those that read another one.
    """

    text: str
    confidence: float


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes:
        precision: of the arithmetic.
        shown: shows the steps.
        deadline: the `time.monotonic()` at which it ends wherever it is.
        donor: a network to start from, which has seen none of the pictures; None to start afresh.
    """

    precision: Arithmetic
    shown: Steps
    deadline: float
    donor: Donor | None = None


def read(config: TrainConfig, examples: Examples, held_out: npt.NDArray[np.bool_], training: Training) -> list[Verdict]:
    """Train on the other pictures and return a verdict on each held-out one, in order.

    Args:
        config: of the training.
        examples: all pictures.
        held_out: which not to train on, one for each picture.
        training: how.
    """
    from trainer.training.learner import Learner  # noqa: PLC0415 - late: it imports keras

    shown = training.shown
    others = np.flatnonzero(~held_out)
    plan = plan_for(config, len(others), training.precision)
    labels = label_matrix([examples.labels[index] for index in others], config.charset)
    learner = Learner(config, plan)
    if training.donor:
        learner.start_from(training.donor, examples.pixels[others[:SOME]])
    every = math.ceil(plan.steps / READINGS)
    truth = [examples.labels[index] for index in np.flatnonzero(held_out)]
    readings: list[list[Decoded]] = []
    agreed: list[float] = []
    with contextlib.closing(batches(examples.pixels[others], labels, plan, config.System.Seed, first_step=0)) as drawn:
        for batch in drawn:
            loss = learner.step(batch.images, batch.labels, plan.rate(learner.steps))
            if not math.isfinite(loss):
                raise DivergedError(learner.steps)
            shown.advance(plan.batch_size)
            last = learner.steps == plan.steps or time.monotonic() > training.deadline
            if last or learner.steps % every == 0:
                learner.refresh_reader()
                readings.append(_read(learner, examples.pixels[held_out], config.Trains.TestBatchSize))
                agreed.append(agreement([one.text for one in readings[-1]], truth))
            shown.note(f"loss {loss:.3f}  {_told(agreed)}")
            if last or has_learned(agreed):
                break
    return pooled(readings[-POOLED:])


def _read(learner: "Learner", pixels: Pixels, batch_size: int) -> list[Decoded]:
    try:
        return learner.read(pixels, batch_size)
    except DamagedError as error:  # the last step has left no numbers in the weights
        raise DivergedError(learner.steps) from error


def plan_for(config: TrainConfig, pictures: int, precision: Arithmetic) -> Recipe:
    """Return how to train on so many pictures: as the config says, but for DecayPatience.

    That waits for readings of the test set, of which there is none here: in its place the rate is warmed up and falls
    along a cosine, as it does by default.
    """
    if config.Trains.DecayPatience is not None:
        trains = config.Trains.model_copy(update={"DecayRate": None, "DecayPatience": None})
        config = config.model_copy(update={"Trains": trains})
    return recipes.choose(config, pictures, precision)


def agreement(texts: Sequence[str], labels: Sequence[str]) -> float:
    """Return the share of texts that are their labels."""
    return sum(text == label for text, label in zip(texts, labels, strict=True)) / len(labels)


def has_learned(agreed: Sequence[float]) -> bool:
    """Return whether training can end: it reads nearly all as labelled, and no more of them than before."""
    newest = agreed[-POOLED:]
    return len(newest) == POOLED and min(newest) >= LEARNED and newest[-1] < newest[0] + BETTER


def _told(agreed: Sequence[float]) -> str:
    return f"reads {agreed[-1]:.1%} as labelled" if agreed else ""


def pooled(readings: Sequence[Sequence[Decoded]]) -> list[Verdict]:
    """Take the readings of each picture together: a list for each moment, a reading for each picture."""
    verdicts = []
    for of_picture in zip(*readings, strict=True):
        weights: Counter[str] = Counter()
        for one in of_picture:
            weights[one.text] += one.confidence
        text = max(weights, key=lambda text: (weights[text], text))
        verdicts.append(Verdict(text, weights[text] / len(of_picture)))
    return verdicts
