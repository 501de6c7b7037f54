"""How a model shares the cores of the machine: a choice of whoever opens it. No tensorflow here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Threads:
    """Threads that tensorflow reads pictures with.

    The first model of a process decides `inside` for all of them: tensorflow keeps one such pool.

    Attributes:
        inside: threads for the work inside one operation; 0 for as many as there are cores.
        between: threads that run the operations of one call; -1 for the calling thread alone.
    """

    inside: int = 0
    between: int = 0


# For one caller that waits for each answer.
LATENCY = Threads()

# For callers on as many threads as there are cores: each call stays on its own, and none waits for a pool.
THROUGHPUT = Threads(inside=1, between=-1)
