"""How a model shares the cores of the machine: a choice of whoever opens it. No tensorflow here."""

import os
from dataclasses import dataclass

CALLER = -1


def allowed_cores() -> frozenset[int]:
    """Return the numbers of the cores that this process may run on; none where the system does not tell.

    That is where its first thread may run: others may keep to a part of them.
    """
    allowed = getattr(os, "sched_getaffinity", None)
    return frozenset(allowed(os.getpid())) if allowed else frozenset()


def cores() -> int:
    """Return how many cores this process may run on."""
    return len(allowed_cores()) or os.cpu_count() or 1


@dataclass(frozen=True)
class Threads:
    """Threads that tensorflow reads pictures with. Each model has its own.

    Attributes:
        inside: threads for the work inside one operation; 0 for as many as there are cores.
        between: threads that run the operations of one call; `CALLER` for the calling thread alone.
        spare: whether a call can be left to a thread that has only the time that nothing else wants, where the system
            has such threads.
    """

    inside: int = 0
    between: int = 0
    spare: bool = False


# For one caller that waits for each answer.
LATENCY = Threads()

# As that, but the operations of a call run one after the other: no waiting for a pool, and no two of them at once.
SEQUENTIAL = Threads(inside=0, between=CALLER)

# For callers on as many threads as there are cores: each call stays on its own, and none waits for a pool.
THROUGHPUT = Threads(inside=1, between=CALLER)
