"""The measuring behind `plateau` and `outlook`: looks at a learner and a training, and leaves them as they are."""

from collections.abc import Sequence

from trainer.config import TrainConfig, TrainsSection
from trainer.dataset.rules import frames_needed
from trainer.evaluation.history import Reading
from trainer.network.geometry import frames
from trainer.training.learner import Learner
from trainer.training.outlook import Ending
from trainer.training.pipeline import Batch
from trainer.training.plateau import Vitals, fixed_loss_of_ignoring, loss_of_ignoring
from trainer.training.recipe import PEAK_RATES, Recipe, peak_rate
from trainer.training.stopping import out_of_time

# Looked at: the first of a shuffled set stand for all. How often each class stands where has to be counted, and with
# a large character set few labels show few of its classes; counting is quick, weighing all CTC paths is not.
LABELS = 50_000
CTC_LABELS = 64


def measure(
    config: TrainConfig, labels: Sequence[str], symbols: int, learner: Learner, loss: float, batch: Batch
) -> Vitals:
    """Measure a training that reads nothing.

    Args:
        config: of the training.
        labels: of its pictures, folded; more than `LABELS` tell nothing more.
        symbols: that they may be made of.
        learner: that reads nothing.
        loss: mean over its newest batch, in nats.
        batch: to measure the gradient on.
    """
    positions = config.NeuralNet.MaxLabelNum
    seen = labels[: LABELS if positions else CTC_LABELS]
    classes = [config.charset.encode(label) for label in seen]
    count = frames(config.NeuralNet, config.input_size[0])
    return Vitals(
        step=learner.steps,
        loss=loss,
        ignoring=fixed_loss_of_ignoring(classes, positions) if positions else loss_of_ignoring(classes, count, symbols),
        symbols=symbols,
        length=sum(map(len, classes)) / len(classes),
        frames=None if positions else count,
        needed=max(map(frames_needed, seen)),
        gradient=learner.gradient_norm(batch.images, batch.labels),
        rate=peak_rate(config.Trains),
        usual=PEAK_RATES[config.Trains.Optimizer.Name],
        recurrent=config.NeuralNet.RecurrentNetwork != "None",
    )


def ending(config: TrainConfig, recipe: Recipe, labels: Sequence[str], last: Reading, best: float) -> Ending:
    """Return where a training has ended.

    Args:
        config: of the training.
        recipe: of it.
        labels: of its pictures, folded.
        last: reading of the test set.
        best: share of its texts that any reading had right.
    """
    # The loss of a fixed head is that of one position already.
    length = 1.0 if config.NeuralNet.MaxLabelNum else sum(map(len, labels)) / len(labels)
    return Ending(
        accuracy=best,
        loss=last.loss / length,
        test_loss=last.test_loss / length,
        symbols=len(config.charset.symbols),
        longer=_longer(config.Trains, recipe, last),
    )


def _longer(trains: TrainsSection, recipe: Recipe, last: Reading) -> str:
    """Return the key that ended a training without a goal reached, with twice its value."""
    if trains.MaxMinutes and out_of_time(trains, last.seconds / 60):
        return f"Trains.MaxMinutes: {2 * trains.MaxMinutes:g}"
    if trains.Patience and last.step < recipe.steps:
        return f"Trains.Patience: {2 * trains.Patience}"
    return f"Trains.MaxEpochs: {2 * recipe.steps // recipe.epoch_steps}"
