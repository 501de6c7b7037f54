"""What the rules look at and what they find."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from trainer.dataset.examine import Facts

SHOWN = 5  # examples in a sentence

Side = Literal["train", "test"]
SIDES: tuple[Side, ...] = ("train", "test")


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, such as `1 picture` or `2,000 pictures`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Severity(StrEnum):
    """Whether training can go on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Entry:
    """A sample and what examining it found.

    Attributes:
        name: of the sample.
        label: as written; None if the pattern found none.
        facts: about the picture.
        side: which path it came from.
    """

    name: str
    label: str | None
    facts: Facts
    side: Side = "train"


@dataclass(frozen=True)
class Place:
    """One picture that a finding is about, and what is wrong with it."""

    name: str
    detail: str


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes:
        rule: its name, for machines.
        severity: errors stop packing.
        sentence: what is wrong and what to do.
        places: every picture concerned; empty when the finding is about the set as a whole.
    """

    rule: str
    severity: Severity
    sentence: str
    places: tuple[Place, ...] = ()

    @property
    def text(self) -> str:
        """The sentence with the first few pictures."""
        shown = "; ".join(f"{place.name}: {place.detail}" for place in self.places[:SHOWN])
        more = f"; and {len(self.places) - SHOWN:,} more" if len(self.places) > SHOWN else ""
        return f"{self.sentence} [{shown}{more}]" if shown else self.sentence


def error(rule: str, sentence: str, places: Sequence[Place]) -> Iterator[Finding]:
    """Yield an error, if it is about any picture."""
    if places:
        yield Finding(rule, Severity.ERROR, sentence, tuple(places))


def warning(rule: str, sentence: str, places: Sequence[Place]) -> Iterator[Finding]:
    """Yield a warning, if it is about any picture."""
    if places:
        yield Finding(rule, Severity.WARNING, sentence, tuple(places))
