"""Errors of the trainer. Each message is one sentence for a person: what is wrong, where, and what to do.

TrainerError
├── UsageError     arguments that do not go together
├── DivergedError  a training whose loss is no number any more
└── DataError      pictures or labels that cannot be used as they are
    ├── SourceError     a folder or file of pictures that is missing, empty or in no known form
    └── FindingsError   verification found errors; lists every one
"""

from collections.abc import Sequence


class TrainerError(Exception):
    """Base of every error that a user of the trainer can cause and mend."""


class UsageError(TrainerError):
    """Arguments of a command that do not go together."""


class DivergedError(TrainerError):
    """A training whose loss is no number any more.

    Args:
        steps: that were done.
        learned: what from, unless it is the set of pictures.
        advice: what else to do.
    """

    def __init__(self, steps: int, *, learned: str = "", advice: str = "") -> None:
        done = f"{steps:,} steps{f' with {learned}' if learned else ''}"
        super().__init__(
            f"after {done} the loss is no number any more: lower Trains.LearningRate, or keep ClipNorm{advice}"
        )


class DataError(TrainerError):
    """Pictures or labels that cannot be used as they are."""


class SourceError(DataError):
    """A folder or file of pictures that is missing, empty or in no known form."""


class FindingsError(DataError):
    """Verification found errors.

    Attributes:
        sentences: one per error found.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = tuple(sentences)
        advice = "see `python -m trainer verify` for all of them; --quarantine and --exclude leave pictures out"
        super().__init__("\n  - ".join([f"the pictures cannot be used as they are ({advice})", *sentences]))
