"""The measuring behind `plateau`: looks at a learner that reads nothing, and leaves its state as it is."""

from collections.abc import Sequence

from trainer.config import TrainConfig
from trainer.dataset.rules import frames_needed
from trainer.network.geometry import frames
from trainer.training.learner import Learner
from trainer.training.pipeline import Batch
from trainer.training.plateau import Vitals, fixed_loss_of_ignoring, loss_of_ignoring

LABELS = 64  # looked at: the first of a shuffled set stand for all


def measure(
    config: TrainConfig, labels: Sequence[str], learner: Learner, loss: float, rate: float, batch: Batch
) -> Vitals:
    """Measure a training that reads nothing.

    Args:
        config: of the training.
        labels: of its pictures.
        learner: that reads nothing.
        loss: mean of its newest steps, in nats.
        rate: its learning rate.
        batch: to measure the gradient on.
    """
    classes = [config.charset.encode(label) for label in labels[:LABELS]]
    symbols = config.charset.classes - 1
    positions = config.NeuralNet.MaxLabelNum
    count = frames(config.NeuralNet, config.input_size[0])
    return Vitals(
        step=learner.steps,
        loss=loss,
        ignoring=fixed_loss_of_ignoring(classes, positions) if positions else loss_of_ignoring(classes, count, symbols),
        symbols=symbols,
        length=sum(map(len, classes)) / len(classes),
        frames=None if positions else count,
        needed=max(map(frames_needed, labels[:LABELS])),
        gradient=learner.gradient_norm(batch.images, batch.labels),
        rate=rate,
    )
