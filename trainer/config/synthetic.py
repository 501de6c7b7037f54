"""Section `Synthetic` of the config."""

from typing import Annotated

from pydantic import Field, field_validator

from contract.strict import StrictModel
from trainer.config.kinds import NotNegative, Positive

MAX_LENGTH = 32  # symbols in a drawn label
MIN_SIDE, MAX_SIDE = 16, 1000  # pixels of a drawn picture: below, the package has no room for its noise

Symbols = Annotated[int, Field(ge=1, le=MAX_LENGTH)]
FontSize = Annotated[int, Field(ge=4, le=MAX_SIDE)]


class SyntheticSection(StrictModel):
    """Section `Synthetic`: how the package `captcha` draws pictures while training, if TrainsPath is `synthetic`.

    They have the size and the symbols of the model, and no two are the same. What `synth` writes with the same settings
    and seed are the first ones that training sees, but for a curriculum.

    Attributes:
        Length: symbols in a label: a number, or [shortest, longest].
        Fonts: files of TrueType or OpenType fonts, each symbol in one of them; default: the package's DroidSansMono.
        FontSizes: in pixels, each symbol in one of them; default: the package's 42, 50 and 56, less for pictures lower
            than 60.
        Epoch: pictures that count as an epoch, where other keys and the readings of the test set count epochs.
        Curriculum: the first so many pictures are made of some 100 of the symbols only, for a network that sees
            thousands of them from the start learns none for long; 0: all symbols from the start; default: 30 for
            each symbol, at most 30,000, where there are more than 300, else 0.
        Workers: processes that draw; default: one for each core.
    """

    Length: Symbols | Annotated[list[Symbols], Field(min_length=2, max_length=2)] = 4
    Fonts: list[str] = []
    FontSizes: list[FontSize] = []
    Epoch: Positive = 20_000
    Curriculum: NotNegative | None = None
    Workers: Positive | None = None

    @property
    def lengths(self) -> tuple[int, int]:
        """(shortest, longest) label."""
        if isinstance(self.Length, int):
            return self.Length, self.Length
        return self.Length[0], self.Length[1]

    @field_validator("Length", mode="after")
    @classmethod
    def _shortest_first(cls, value: int | list[int]) -> int | list[int]:
        if isinstance(value, list) and value[0] > value[1]:
            raise ValueError(f"{value} has the longest first; give [{value[1]}, {value[0]}]")
        return value
