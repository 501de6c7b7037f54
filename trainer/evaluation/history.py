"""How a training went: one line for each reading of the whole test set, and the same as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Reading:
    """One reading of the whole test set; a line of history.csv.

    Attributes:
        step: steps done before it.
        epoch: passes over the training set by then.
        loss: mean loss in nats of the steps since the reading before, of pictures as training varies them.
        test_loss: mean loss in nats over the test set; nan in a run made before it was measured.
        accuracy: whole texts right, 0..1.
        character_error_rate: edits per character.
        rate: the learning rate then.
        seconds: that training had taken.
    """

    step: int
    epoch: float
    loss: float
    test_loss: float
    accuracy: float
    character_error_rate: float
    rate: float
    seconds: float


def to_csv(history: Sequence[Reading]) -> str:
    """Return the readings as CSV with a header."""
    header = ",".join(Reading.__dataclass_fields__)
    return "\n".join([header, *(",".join(map(str, asdict(line).values())) for line in history), ""])


def from_csv(text: str) -> list[Reading]:
    """Return the readings that `to_csv` wrote; `test_loss` is nan in those of runs that did not measure it yet."""
    lines = ({"test_loss": "nan", **line} for line in csv.DictReader(io.StringIO(text)))
    return [Reading(int(line.pop("step")), **{key: float(value) for key, value in line.items()}) for line in lines]
