"""The learning rate of a step. Pure: the loop sets it, whatever the optimizer."""

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """The learning rate as a function of the step alone, so that an interrupted run goes on exactly."""

    def __call__(self, step: int) -> float:
        """Return the learning rate of step 0, 1, ..."""


@dataclass(frozen=True)
class WarmupCosine:
    """Rises in a line for `warmup` steps, then falls along a half cosine to a hundredth of the peak at `total`.

    Loshchilov & Hutter 2017 (SGDR), without restarts.
    """

    peak: float
    warmup: int
    total: int

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        progress = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))
        return self.peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass(frozen=True)
class Staircase:
    """Multiplies by `decay` after every `every` steps: captcha_trainer's LearningRate, DecayRate and DecaySteps."""

    initial: float
    decay: float
    every: int

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        rate: float = self.initial * self.decay ** (step // self.every)
        return rate
