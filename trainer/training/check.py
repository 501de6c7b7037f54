"""The first minute of a training, on its own: can this network learn these pictures, be exported, and be read back?"""

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from contract.decode import DamagedError
from trainer.config import TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples
from trainer.errors import TrainerError
from trainer.progress import Progress, Steps
from trainer.training import recipe as recipes
from trainer.training import vitals
from trainer.training.learner import Learner
from trainer.training.pipeline import Batch, epoch_pictures, label_matrix
from trainer.training.plateau import causes, diagnose, rate_causes
from trainer.training.recipe import PEAK_RATES, peak_rate
from trainer.training.rehearsal import rehearse

BATCH = 8  # pictures; two such batches are learned
SECONDS = 30.0
STEPS = 600
READ_EVERY = 10  # steps
WARMUP = 20  # steps until the rate is the config's
MOMENTUM = 0.7  # of batch norm: so short a training changes faster than the usual one could follow


@dataclass(frozen=True)
class Checked:
    """What the check found.

    Attributes:
        steps: that were done.
        pictures: to learn.
        seconds: all of it.
        doubt: what was measured if some are still read wrong; empty if none is.
    """

    steps: int
    pictures: int
    seconds: float
    doubt: str = ""

    def __str__(self) -> str:
        """Return the sentence that tells it."""
        if self.doubt:
            return f"{self.doubt} Exported, reloaded and read as before: {self.seconds:.0f} s"
        return (
            f"{self.pictures} pictures learned by heart in {self.steps} steps, exported, reloaded and read right: "
            f"{self.seconds:.0f} s"
        )


def check(config: TrainConfig, packed: PackedSet, progress: Progress, *, lenient: bool = False) -> Checked:
    """Learn two batches by heart with a network that is thrown away, export it and read them back.

    The pictures are those of the test set, because their files are kept with it: so the whole way is tried, from
    picture bytes through the contract and the reloaded graph to text. Nothing of it reaches a training.

    Args:
        config: of the training.
        packed: its pictures.
        progress: where to report.
        lenient: a network that has not learned is an error only if a cause for that was measured: on a slow machine,
            or at a low rate, it may only need longer.

    Raises:
        TrainerError: the pictures are not read right in the end, with what was measured; or the export differs.
        EngineError: the exported graph cannot be reloaded.
    """
    started = time.monotonic()
    test = packed.load("test")
    count = min(2 * BATCH, len(test))
    plan = replace(recipes.choose(config, epoch_pictures(config, packed), "float32"), average=0.0)
    learner = Learner(config, plan)
    learner.follow_batches(MOMENTUM)
    with progress.steps("check", STEPS, unit="steps") as shown:
        doubt = _learn(learner, config, test, count, shown)
    if doubt.text and (doubt.certain or not lenient):
        raise TrainerError(doubt.text)
    learner.refresh_reader()
    texts = rehearse(learner.reader, config, test, count)
    wrong = sum(text != label for text, label in zip(texts, test.labels[:count], strict=True))
    if wrong and not doubt.text:
        raise TrainerError(f"the reloaded graph reads {wrong} of {count} pictures wrong that the network had learned")
    return Checked(learner.steps, count, time.monotonic() - started, doubt.text)


@dataclass(frozen=True)
class _Doubt:
    """What is wrong with a network, if anything, and whether it is sure to stay so."""

    text: str = ""
    certain: bool = False


def halves(count: int, least: int) -> list[npt.NDArray[np.intp]]:
    """Return two batches of `count` pictures, or one of one: indices, again from the first if it must be `least`."""
    half = -(-count // 2)
    parts = [range(half), range(half, count)] if count > 1 else [range(1)]
    return [np.resize(part, max(len(part), least)) for part in parts]


def _learn(learner: Learner, config: TrainConfig, test: Examples, count: int, shown: Steps) -> _Doubt:
    """Train until the first `count` pictures are read right, or steps or time are over."""
    labels = label_matrix(test.labels[:count], config.charset)
    parts = halves(count, learner.least_batch)
    peak = peak_rate(config.Trains)
    deadline = math.inf
    texts: list[str] = []
    loss = 0.0
    while learner.steps < STEPS and time.monotonic() < deadline:
        part = parts[learner.steps % len(parts)]
        loss = learner.step(test.pixels[part], labels[part], peak * min(1.0, (learner.steps + 1) / WARMUP))
        shown.advance()
        if learner.steps == 1:  # the first one is compiled, which takes long on a busy machine
            deadline = time.monotonic() + SECONDS
        if not math.isfinite(loss):
            break
        if learner.steps % READ_EVERY == 0:
            texts = _texts(learner, test, count)
            right = sum(text == label for text, label in zip(texts, test.labels[:count], strict=True))
            shown.note(f"loss {loss:.2f}, {right} of {count} read right")
            if right == count:
                return _Doubt()
    if not math.isfinite(loss):
        texts = []  # and none could be read
    elif learner.steps % READ_EVERY:  # time is over: the newest steps, or all of them, have not been read
        texts = _texts(learner, test, count)
    if texts == test.labels[:count]:
        return _Doubt()
    if any(texts):
        rate = rate_causes(peak, PEAK_RATES[config.Trains.Optimizer.Name])
        partly = _partly(texts, test.labels[:count], learner.steps, loss)
        return _Doubt(" ".join([partly, *rate]), certain=bool(rate))
    batch = Batch(test.pixels[parts[0]], labels[parts[0]])
    measured = vitals.measure(config, test.labels[:count], config.charset.classes - 1, learner, loss, batch)
    return _Doubt(diagnose(measured), certain=bool(causes(measured)))


def _texts(learner: Learner, test: Examples, count: int) -> list[str]:
    learner.refresh_reader()
    try:
        return [item.text for item in learner.read(test.pixels[:count], count)]
    except DamagedError:  # the next step's loss tells it
        return [""] * count


def _partly(texts: list[str], labels: list[str], steps: int, loss: float) -> str:
    wrong = [(label, text) for label, text in zip(labels, texts, strict=True) if label != text]
    shown = ", ".join(f"{label} as {text or 'nothing'}" for label, text in wrong[:4])
    return (
        f"after {steps} steps {len(wrong)} of {len(labels)} pictures are still read wrong ({shown}; loss {loss:.2f} "
        "nats): a network should know so few by heart; look at `trainer preview`, the labels and Trains.LearningRate; "
        "on a slow machine it may only need longer."
    )
