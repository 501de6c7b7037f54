"""Whether training waits for its pictures: the time between steps, measured as they go."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trainer.training.pipeline import Batch

# Above this share of the time, the pictures hold training up.
TOLERABLE = 0.03


@dataclass
class Waiting:
    """How a training spends the time of its steps.

    Attributes:
        waited: seconds between a step and the pictures of the next.
        worked: seconds inside steps.
    """

    waited: float = 0.0
    worked: float = 0.0

    @property
    def share(self) -> float:
        """Share of the time of the steps that was waited for pictures, 0..1."""
        return self.waited / max(self.waited + self.worked, 1e-9)

    def over(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield the batches and measure the waiting; not for the first, which waits until the pipeline is built."""
        first = next(batches, None)
        if first is None:
            return
        yield first
        while True:
            started = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - started
            if batch is None:
                return
            yield batch

    @contextmanager
    def working(self) -> Iterator[None]:
        """Measure the time of one step."""
        started = time.perf_counter()
        yield
        self.worked += time.perf_counter() - started

    def __str__(self) -> str:
        """Return the sentence for the end of a training."""
        verdict = "" if self.share < TOLERABLE else f", more than {TOLERABLE:.0%}: the disk or the processor is busy"
        return f"Steps waited {self.share:.1%} of their time for pictures{verdict}"
