"""What a config leaves open, decided from the size of the set and what is read in it. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trainer.config import Arithmetic, OptimizerSection, TrainConfig, TrainsSection
from trainer.dataset.curriculum import curriculum_of
from trainer.dataset.synth import BEGIN_WITH
from trainer.errors import UsageError
from trainer.training.schedule import Constant, Schedule, Staircase, StepDown, WarmupCosine
from trainer.training.strength import Strength, strength_of

# The largest learning rate unless LearningRate says otherwise.
PEAK_RATES: Mapping[str, float] = MappingProxyType(
    {"AdamW": 2e-3, "Adam": 2e-3, "RMSprop": 1e-3, "Adagrad": 1e-2, "Adadelta": 1.0, "SGD": 1e-2}
)
WARMUP_SHARE = 0.05
PLAIN_SHARE = 0.1  # the last part of training sees the pictures as they are

# How many pictures a training shows in all, unless MaxEpochs says otherwise: a small set is shown more often, a large
# one at least so many times. Counted in pictures of the usual size; smaller ones cost less and are shown more often.
PICTURES_SHOWN = 45_000
FEWEST_EPOCHS = 6
USUAL_PIXELS = 160 * 60

# With thousands of symbols that many pictures hold each of them a few times only: how often each is to be seen.
SYMBOL_SHOWN = 500
USUAL_LENGTH = 4  # symbols of a label

# With many symbols a training on a set of pictures begins with drawn letters, see `trainer.training.primer`: so many
# steps, but at most this share of its own.
PRIMER_STEPS = 500
PRIMER_SHARE = 0.5

ADAMW_DECAY = 1e-2

# The moving average takes in the weights every so many steps.
AVERAGE_EVERY = 10

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
        primer: steps with drawn letters before all others, of a training that starts from nothing.
        beginning: steps with few of the symbols, in which no reading of the test set is in vain.
        plain_from: the first step that sees pictures as they are.
        precision: of the arithmetic.
        average: momentum of the moving average of the weights, each time that it takes them in; 0 for none.
        optimizer: with every number that it has.
        weight_decay: as a share of the rate at each step.
        clip_norm: longest gradient; None for any.
        jit: whether XLA compiles the step.
    """

    steps: int
    epoch_steps: int
    batch_size: int
    validate_every: int
    save_every: int
    rate: Schedule
    strength: Strength
    primer: int
    beginning: int
    plain_from: int
    precision: Arithmetic
    average: float
    optimizer: OptimizerSection
    weight_decay: float
    clip_norm: float | None
    jit: bool

    def __str__(self) -> str:
        """Return how is learned and how pictures are varied, as two sentences."""
        changes = str(self.strength)
        varied = (
            f"Pictures are varied ({changes}) until step {self.plain_from:,}" if changes else "No picture is varied"
        )
        return f"{self.optimizer.Name} at {self.rate}. {varied}."


def choose(config: TrainConfig, pictures: int, precision: Arithmetic) -> Recipe:
    """Decide what the config leaves open.

    Args:
        config: what it says is kept.
        pictures: in the training set.
        precision: of the arithmetic on this machine.

    Raises:
        UsageError: most symbols would never be seen.
    """
    trains = config.Trains
    usual = SMALL_BATCH if pictures < SMALL_SET else LARGE_BATCH
    batch_size = min(trains.BatchSize or usual, pictures)
    epoch_steps = math.ceil(pictures / batch_size)
    usual_epochs = _epochs(pictures, config.input_size, len(config.charset.symbols))
    epochs = trains.MaxEpochs or max(usual_epochs, trains.EndEpochs or 1)  # or EndAcc could never count
    steps = epochs * epoch_steps
    validate_every = trains.ValidationSteps or _readings_apart(epochs, epoch_steps)
    beginning = _beginning(config, steps, batch_size) if config.System.synthetic else 0
    return Recipe(
        steps=steps,
        epoch_steps=epoch_steps,
        batch_size=batch_size,
        validate_every=validate_every,
        save_every=trains.SavedSteps,
        rate=_rate(trains, steps, validate_every, beginning),
        strength=_strength(config, pictures),
        primer=_primer(config, steps),
        beginning=beginning,
        plain_from=steps - round(steps * PLAIN_SHARE),
        precision=precision,
        average=0.0 if trains.EMA == "off" else trains.EMA**AVERAGE_EVERY,
        optimizer=trains.Optimizer.filled,
        weight_decay=weight_decay(trains),
        clip_norm=None if trains.ClipNorm == "off" else trains.ClipNorm,
        jit=trains.Jit,
    )


def peak_rate(trains: TrainsSection) -> float:
    """Return the largest learning rate of a training."""
    return trains.LearningRate or PEAK_RATES[trains.Optimizer.Name]


def weight_decay(trains: TrainsSection) -> float:
    """Return the weight decay of a training."""
    if trains.WeightDecay is not None:
        return trains.WeightDecay
    return ADAMW_DECAY if trains.Optimizer.Name == "AdamW" else 0.0


def _epochs(pictures: int, size: tuple[int, int], symbols: int) -> int:
    width, height = size
    cheap = min(2.0, max(1.0, math.sqrt(USUAL_PIXELS / (width * height))))
    usual = math.ceil(max(FEWEST_EPOCHS, PICTURES_SHOWN / pictures) * cheap)
    return max(usual, math.ceil(SYMBOL_SHOWN * symbols / USUAL_LENGTH / pictures))


def _primer(config: TrainConfig, steps: int) -> int:
    if config.Trains.PrimerSteps is not None:
        return config.Trains.PrimerSteps
    many = len(config.charset.symbols) > BEGIN_WITH
    return min(PRIMER_STEPS, round(PRIMER_SHARE * steps)) if many and config.can_begin_with_letters else 0


def _beginning(config: TrainConfig, steps: int, batch_size: int) -> int:
    few = curriculum_of(config)
    if few >= steps * batch_size and len(config.charset.symbols) > BEGIN_WITH:
        raise UsageError(
            f"Synthetic.Curriculum has {few:,} pictures of few symbols, and this training ends after "
            f"{steps * batch_size:,}: the other symbols would not be seen; lower it, or raise Trains.MaxEpochs"
        )
    return math.ceil(few / batch_size)


def _strength(config: TrainConfig, pictures: int) -> Strength:
    by_size = "strong" if pictures < SMALL_SET else "light"
    return strength_of(config.Trains.Augment, "off" if config.System.synthetic else by_size, config.input_size)


def _rate(trains: TrainsSection, steps: int, validate_every: int, beginning: int) -> Schedule:
    initial = peak_rate(trains)
    match trains.DecayRate, trains.DecaySteps, trains.DecayPatience:
        case float(decay), int(every), None:
            return Staircase(initial, decay, every)
        case float(decay), None, int(patience):
            return StepDown(initial, decay, patience, validate_every, beginning)
        case float(), None, None:  # 1: the config lets no other one stand alone
            return Constant(initial)
        case _:
            return WarmupCosine(initial, max(1, round(steps * WARMUP_SHARE)), steps)


def _readings_apart(epochs: int, epoch_steps: int) -> int:
    # Once per epoch, but for small sets no more than about twenty readings in all.
    return epoch_steps * max(1, math.ceil(epochs / 20))
