"""What an engine answers, and what anything that reads pictures looks like. No tensorflow here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from contract.decode import Symbol
from contract.errors import PictureError
from contract.pixels import Pixels
from contract.spec import ModelSpec


@dataclass(frozen=True)
class Reading:
    """What was read from one picture.

    Attributes:
        text: empty when there is an error, or when the network saw no symbol.
        confidence: probability of the text, 0..1; 0 when there is an error.
        symbols: each symbol with its own confidence.
        error: why the picture could not be read, else None.
    """

    text: str
    confidence: float
    symbols: tuple[Symbol, ...] = ()
    error: PictureError | None = None


Reads = Callable[[Pixels], Sequence[Reading]]
"""Reads contract pixels uint8 [N, H, W, C]; one reading per picture, in order."""


class ReadsPixels(Protocol):
    """A loaded model: what serving holds, and what a test puts in its place."""

    @property
    def spec(self) -> ModelSpec:
        """The model's description."""

    @property
    def read_in_spare_time(self) -> Reads | None:
        """As `read_pixels`, but only while a core has nothing else to do; None where there is no such time."""

    def read_pixels(self, pixels: Pixels) -> Sequence[Reading]:
        """Read contract pixels uint8 [N, H, W, C]; one reading per picture, in order. Safe from many threads."""

    def close(self) -> None:
        """Free the model. Nothing may be reading then."""
