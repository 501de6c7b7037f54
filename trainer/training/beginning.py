"""The beginning of a CTC training: until symbols are known, other losses help to learn what they look like. Pure.

CTC soon knows where symbols are, and then learns each of them from the one frame in which it says so. From there it
goes on slowly, and a small set is learned by heart before anything is read. See `loss.PresenceLoss` and `local_head`
for what helps.
"""

import math
from collections import deque

import numpy as np
import numpy.typing as npt

from trainer.config import TrainConfig
from trainer.dataset.synth import BEGIN_WITH
from trainer.training.recipe import Recipe

KNOWN = 0.1
"""Share of what guessing costs below which symbols and their order are known well enough for CTC to go on alone."""

OWN = 0.5
"""The same for a network without a recurrent part, whose own scores are the local ones: that symbols be seen in all
frames is not what CTC wants of them in the end."""

STEPS = 10  # that are looked at together


class Beginning:
    """Tells when the beginning is over.

    Args:
        symbols: K - 1, in the character set.
        known: below this share of guessing it is over.

    Attributes:
        over: whether it is; from then on for good.
    """

    def __init__(self, symbols: int, known: float = KNOWN) -> None:
        self._known = known
        self._guessing = math.log(symbols) if symbols > 1 else 0.0
        self._shares: deque[float] = deque(maxlen=STEPS)
        self.over = symbols < 2

    def skip_if_known(self, loss: float, length: float) -> bool:
        """Look at a network before its first step, and return whether there is nothing for it to find out.

        Args:
            loss: of what it reads then; the rest as for `note`.
            length: as there.
        """
        self.over = self.over or bool(length and loss / (length * self._guessing) < self._known)
        return self.over

    def note(self, loss: float, length: float) -> bool:
        """Look at a step, and return whether the beginning is over.

        Args:
            loss: of CTC alone, in nats, mean over the pictures.
            length: symbols of a label, mean over the pictures.
        """
        if not self.over and length:
            self._shares.append(loss / (length * self._guessing))
            self.over = len(self._shares) == STEPS and sum(self._shares) / STEPS < self._known
        return self.over

    def state(self) -> npt.NDArray[np.float64]:
        """Return what `restore` takes, [S]: the steps that are looked at, or one infinite number if it is over."""
        return np.array([math.inf] if self.over else [*self._shares])

    def restore(self, state: npt.NDArray[np.float64]) -> None:
        """Go on from a state."""
        self.over = bool(np.isinf(state).any())
        self._shares = deque([] if self.over else state.tolist(), maxlen=STEPS)


def beginning_of(config: TrainConfig, recipe: Recipe) -> Beginning:
    """Return the beginning of a training, which is over from the start where it needs no help."""
    if config.NeuralNet.head != "ctc" or not config.Trains.AuxiliaryLoss:
        return Beginning(0)
    symbols = len(config.charset.symbols)
    known = OWN if config.NeuralNet.RecurrentNetwork == "None" else KNOWN
    return Beginning(min(symbols, BEGIN_WITH) if recipe.beginning else symbols, known)
