"""The learning rate of a step. Pure: the loop sets it, whatever the optimizer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trainer.evaluation.history import Reading


class Schedule(Protocol):
    """The learning rate as a function of the step and the readings so far, so that an interrupted run goes on exactly.

    As text it is what a person is told.
    """

    def __call__(self, step: int, readings: Sequence[Reading] = ()) -> float:
        """Return the learning rate of step 0, 1, ...

        Args:
            step: steps done before it.
            readings: of the test set, all so far, the oldest first.
        """


@dataclass(frozen=True)
class WarmupCosine:
    """Rises in a line for `warmup` steps, then falls along a half cosine to a hundredth of the peak at `total`.

    Loshchilov & Hutter 2017 (SGDR), without restarts.
    """

    peak: float
    warmup: int
    total: int

    def __call__(self, step: int, readings: Sequence[Reading] = ()) -> float:  # noqa: ARG002 - as every schedule
        """Return the rate of a step."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        progress = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))
        return self.peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def __str__(self) -> str:
        return f"a rate that rises to {self.peak:g} in {self.warmup:,} steps and falls along a cosine"


@dataclass(frozen=True)
class Constant:
    """The same rate all the time: cnn_captcha's 1e-4."""

    rate: float

    def __call__(self, step: int, readings: Sequence[Reading] = ()) -> float:  # noqa: ARG002 - as every schedule
        """Return the rate."""
        return self.rate

    def __str__(self) -> str:
        return f"a rate of {self.rate:g} all the time"


@dataclass(frozen=True)
class Staircase:
    """Multiplies by `decay` after every `every` steps: captcha_trainer's LearningRate, DecayRate and DecaySteps."""

    initial: float
    decay: float
    every: int

    def __call__(self, step: int, readings: Sequence[Reading] = ()) -> float:  # noqa: ARG002 - as every schedule
        """Return the rate of a step."""
        rate: float = self.initial * self.decay ** (step // self.every)
        return rate

    def __str__(self) -> str:
        return f"a rate of {self.initial:g}, {self.decay:g} times itself after every {self.every:,} steps"


@dataclass(frozen=True)
class StepDown:
    """Multiplies by `decay` each time that `patience` readings in a row were no better than the best one before.

    A reading is better with more texts right, or with as many and fewer characters wrong. Readings between the regular
    ones, as Ctrl-C makes them, do not count: an interrupted training goes on as if it had not been.

    Attributes:
        initial: the first rate.
        decay: what it is multiplied by.
        patience: readings that are waited.
        every: steps between two regular readings.
        beginning: steps whose readings do not count.
    """

    initial: float
    decay: float
    patience: int
    every: int
    beginning: int = 0

    def __call__(self, step: int, readings: Sequence[Reading] = ()) -> float:
        """Return the rate of a step."""
        counted = range(self.beginning + 1, step + 1)
        regular = [reading for reading in readings if reading.step % self.every == 0 and reading.step in counted]
        rate: float = self.initial * self.decay ** self._times(regular)
        return rate

    def _times(self, readings: Sequence[Reading]) -> int:
        best, waited, times = (-math.inf, -math.inf), 0, 0
        for reading in readings:
            found = (reading.accuracy, -reading.character_error_rate)
            waited = 0 if found > best else waited + 1
            best = max(best, found)
            if waited == self.patience:
                waited, times = 0, times + 1
        return times

    def __str__(self) -> str:
        return f"a rate of {self.initial:g}, {self.decay:g} times itself after {self.patience} readings in vain"
