"""Where a training stands, as one file that is whole or not there."""

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.files import write_atomically
from trainer.evaluation.history import Reading

SCHEMA = 4  # goes up when a checkpoint holds something else

Arrays = dict[str, npt.NDArray[Any]]


@dataclass
class Position:
    """Everything besides arrays that the rest of a training depends on.

    Attributes:
        step: steps done.
        seconds: that training has taken.
        best_accuracy: of the regular readings so far; below zero before the first.
        since_best: regular readings since the best.
        loss_sum, loss_steps: of the losses since the last regular reading.
        finished: why training ended; empty while it has not.
        history: the readings so far.
    """

    step: int = 0
    seconds: float = 0.0
    best_accuracy: float = -1.0
    since_best: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    finished: str = ""
    history: list[Reading] = field(default_factory=list)


def save(path: Path, position: Position, arrays: Arrays) -> None:
    """Write a checkpoint atomically."""
    header = np.frombuffer(json.dumps(asdict(position)).encode(), np.uint8)
    save_arrays(path, {"position": header, **arrays})


def load(path: Path) -> tuple[Position, Arrays]:
    """Read a checkpoint."""
    arrays = load_arrays(path)
    tree = json.loads(arrays.pop("position").tobytes())
    tree["history"] = [Reading(**line) for line in tree["history"]]
    return Position(**tree), arrays


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write named arrays atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getvalue())


def load_arrays(path: Path) -> Arrays:
    """Read named arrays."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
