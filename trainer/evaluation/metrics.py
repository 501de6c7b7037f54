"""How well texts match their labels. Every picture counts: none leaves the score."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class Score:
    """What readings of a test set were worth.

    Attributes:
        correct: texts without any error.
        pictures: in all.
        character_errors: edits (insert, delete, replace) that would make all texts right.
        characters: in all labels.
    """

    correct: int
    pictures: int
    character_errors: int
    characters: int

    @property
    def accuracy(self) -> float:
        """Share of whole texts read right, 0..1."""
        return self.correct / self.pictures

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy."""
        return wilson_interval(self.correct, self.pictures)

    @property
    def character_error_rate(self) -> float:
        """Edits per character of the labels."""
        return self.character_errors / max(1, self.characters)

    def __str__(self) -> str:
        """Return the score as a person reads it."""
        low, high = self.interval
        return (
            f"{percent(self.accuracy)} of {self.pictures:,} whole texts right (95 % interval {low:.2%} to {high:.2%}), "
            f"character error rate {self.character_error_rate:.2%}"
        )


def percent(share: float) -> str:
    """Return a share as a percentage with two digits, and never 100 % unless it is all."""
    text = f"{share:.2%}"
    return "99.99%" if text == "100.00%" and share < 1 else text


def score(labels: Sequence[str], texts: Sequence[str]) -> Score:
    """Compare texts with their labels, one to one; there is at least one."""
    pairs = list(zip(labels, texts, strict=True))
    return Score(
        correct=sum(label == text for label, text in pairs),
        pictures=len(pairs),
        character_errors=sum(edit_distance(label, text) for label, text in pairs),
        characters=sum(map(len, labels)),
    )


def by_length(labels: Sequence[str], texts: Sequence[str]) -> dict[int, Score]:
    """Return the score of the labels of each length, shortest first."""
    pairs: dict[int, tuple[list[str], list[str]]] = {}
    for label, text in zip(labels, texts, strict=True):
        of_length = pairs.setdefault(len(label), ([], []))
        of_length[0].append(label)
        of_length[1].append(text)
    return {length: score(*pairs[length]) for length in sorted(pairs)}


def lengths_sentence(scores: Mapping[int, Score]) -> str:
    """Return the scores by length as a person reads them."""
    parts = [f"{length}: {one.accuracy:.2%} of {one.pictures:,}" for length, one in scores.items()]
    return f"by length of the label: {', '.join(parts)}"


def wilson_interval(correct: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, 0..1 (Wilson 1927): sound for few pictures and near 0 and 1."""
    z2 = CONFIDENCE_95**2
    share = correct / count
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = CONFIDENCE_95 / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    # All or none are bounds themselves, which rounding would miss by a hair.
    return (max(0.0, centre - half) if correct else 0.0), (min(1.0, centre + half) if correct < count else 1.0)


def edit_distance(left: str, right: str) -> int:
    """Return how many insertions, deletions and replacements turn one text into the other (Levenshtein 1966)."""
    if left == right:
        return 0
    row = list(range(len(right) + 1))
    for i, symbol in enumerate(left, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(right, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (symbol != other))
    return row[-1]
