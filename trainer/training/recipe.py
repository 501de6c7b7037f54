"""What a config leaves open, decided from the size of the set. Pure."""

import math
from dataclasses import dataclass

from trainer.config import Arithmetic, TrainConfig
from trainer.training.augment import STRENGTHS, Strength
from trainer.training.schedule import Schedule, Staircase, WarmupCosine

PEAK_RATE = 2e-3
WARMUP_SHARE = 0.05
PLAIN_SHARE = 0.1  # the last part of training sees the pictures as they are

# How many pictures a training shows in all, unless MaxEpochs says otherwise: a small set is shown more often, a large
# one at least so many times. Counted in pictures of the usual size; smaller ones cost less and are shown more often.
PICTURES_SHOWN = 45_000
FEWEST_EPOCHS = 6
USUAL_PIXELS = 160 * 60

AVERAGE_MOMENTUM = 0.8  # of snapshots ten steps apart: a memory of about fifty steps

# Sets smaller than this are varied strongly and learned in small batches, others lightly and in larger ones.
SMALL_SET = 4_000
SMALL_BATCH, LARGE_BATCH = 32, 64


@dataclass(frozen=True)
class Recipe:
    """A training, down to the last number.

    Attributes:
        steps: in all.
        epoch_steps: in one pass over the training set.
        batch_size: pictures per step.
        validate_every: steps between two readings of the test set.
        save_every: steps between two checkpoints.
        rate: the learning rate.
        strength: how pictures are varied until `plain_from`.
        plain_from: the first step that sees pictures as they are.
        precision: of the arithmetic.
        average: momentum of the moving average of the weights, at each time that it takes them in.
    """

    steps: int
    epoch_steps: int
    batch_size: int
    validate_every: int
    save_every: int
    rate: Schedule
    strength: Strength
    plain_from: int
    precision: Arithmetic
    average: float


def choose(config: TrainConfig, pictures: int, precision: Arithmetic) -> Recipe:
    """Decide what the config leaves open.

    Args:
        config: what it says is kept.
        pictures: in the training set.
        precision: of the arithmetic on this machine.
    """
    trains = config.Trains
    usual = SMALL_BATCH if pictures < SMALL_SET else LARGE_BATCH
    batch_size = min(trains.BatchSize or usual, pictures)
    epoch_steps = math.ceil(pictures / batch_size)
    epochs = trains.MaxEpochs or _epochs(pictures, *config.input_size)
    steps = epochs * epoch_steps
    strength = _strength(config, pictures)
    return Recipe(
        steps=steps,
        epoch_steps=epoch_steps,
        batch_size=batch_size,
        validate_every=trains.ValidationSteps or _readings_apart(epochs, epoch_steps),
        save_every=trains.SavedSteps,
        rate=_rate(config, steps),
        strength=strength,
        plain_from=steps - round(steps * PLAIN_SHARE),
        precision=precision,
        average=AVERAGE_MOMENTUM,
    )


def _epochs(pictures: int, width: int, height: int) -> int:
    cheap = min(2.0, max(1.0, math.sqrt(USUAL_PIXELS / (width * height))))
    return math.ceil(max(FEWEST_EPOCHS, PICTURES_SHOWN / pictures) * cheap)


def _strength(config: TrainConfig, pictures: int) -> Strength:
    name = config.Trains.Augment
    if name == "auto":
        name = "strong" if pictures < SMALL_SET else "light"
    return STRENGTHS[name]


def _rate(config: TrainConfig, steps: int) -> Schedule:
    trains = config.Trains
    initial = trains.LearningRate or PEAK_RATE
    if trains.DecayRate is not None and trains.DecaySteps is not None:
        return Staircase(initial, trains.DecayRate, trains.DecaySteps)
    return WarmupCosine(initial, max(1, round(steps * WARMUP_SHARE)), steps)


def _readings_apart(epochs: int, epoch_steps: int) -> int:
    # Once per epoch, but for small sets no more than about twenty readings in all.
    return epoch_steps * max(1, math.ceil(epochs / 20))
