"""What a packed set is made of: the manifest beside its records, and when it no longer fits the config."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.charset import Case
from contract.files import sha256, write_atomically
from contract.pretreatment import Pretreatment
from trainer.config import TrainConfig
from trainer.dataset import sources
from trainer.dataset.endless import generator_of
from trainer.dataset.examine import Facts
from trainer.dataset.findings import Entry, Side
from trainer.dataset.split import Earlier

SCHEMA = 1  # of the records: goes up when packing the same pictures would write something else

FILE_NAME = sources.MANIFEST


STORED = ConfigDict(frozen=True, extra="forbid", strict=True)


class Stored(BaseModel):
    """Base of what the manifest holds: read by one call, for there may be a hundred thousand pictures in it."""

    model_config = STORED


class Recipe(Stored):
    """What decides how pictures become records.

    Attributes:
        Schema: of the records.
        Width, Height: of the contract pixels.
        Pretreatment: of the config, without its Resize, which Width and Height hold.
        Symbols, Replace, Case: of the character set.
        TestSetNum: as asked for; None set a tenth aside.
        TestPath: the test pictures have a path of their own, or are drawn as those to train on are.
        Drawn: what decides the pictures that are drawn while training; None without such.
    """

    Schema: int
    Width: int
    Height: int
    Pretreatment: Pretreatment
    Symbols: list[str]
    Replace: dict[str, str]
    Case: Case
    TestSetNum: int | None
    TestPath: bool
    Drawn: dict[str, Any] | None = None


@dataclass(frozen=True)
class Picture:
    """A packed picture. No model of its own: checking what packing itself has made takes longer than all else here.

    Attributes:
        Name: of its sample.
        Label: as written.
        SHA256: of its file.
        Pixels: SHA-256 of its contract pixels.
        Size: [width, height] of the original in pixels.
        Animated: it has more than the frame that was read.
        Side: where it went.
        Stamp: of its content when it was packed.
    """

    Name: str
    Label: str
    SHA256: str
    Pixels: str
    Size: list[int]
    Animated: bool
    Side: Side
    Stamp: str

    __pydantic_config__ = STORED  # for reading

    @property
    def facts(self) -> Facts:
        """What examining it found."""
        width, height = self.Size
        return Facts(self.SHA256, (width, height), self.Animated, self.Pixels)


class Manifest(Stored):
    """The manifest of a packed set.

    Attributes:
        Fingerprint: equal for equal records: the same contents, labels, sides and recipe, whatever the file names.
        Made: what decided how pictures became records.
        Threshold: of the split.
        Records: name and size in bytes of the file of records for each side.
        Excluded: names of pictures left out on demand.
        Pictures: all of them, sorted by name.
    """

    Fingerprint: str
    Made: Recipe
    Threshold: str
    Records: dict[Side, tuple[str, int]]
    Excluded: list[str]
    Pictures: list[Picture]

    def count(self, side: Side) -> int:
        """Return how many pictures are on a side."""
        return sum(picture.Side == side for picture in self.Pictures)

    def entries(self) -> list[Entry]:
        """Return what the rules look at."""
        return [
            Entry(picture.Name, picture.Label, picture.facts, picture.Side if self.Made.TestPath else "train")
            for picture in self.Pictures
        ]

    def same_pixels(self, recipe: Recipe) -> bool:
        """Return whether the recipe makes the same pixels of the same files."""
        keys = {"Schema", "Width", "Height", "Pretreatment"}
        return self.Made.model_dump(include=keys) == recipe.model_dump(include=keys)

    def earlier(self, recipe: Recipe, digests: frozenset[str]) -> Earlier | None:
        """Return the split to keep to; None if the recipe asks for another one, or none of its pictures is left.

        Args:
            recipe: of the new set.
            digests: SHA-256 of the files in the new set.
        """
        if recipe.TestPath or self.Made.TestPath or self.Made.TestSetNum != recipe.TestSetNum:
            return None
        sides = {picture.SHA256: picture.Side for picture in self.Pictures if picture.SHA256 in digests}
        return Earlier(self.Threshold, sides) if sides else None


def recipe_of(config: TrainConfig) -> Recipe:
    """Return what a config decides about records."""
    width, height = config.input_size
    charset = config.charset
    return Recipe(
        Schema=SCHEMA,
        Width=width,
        Height=height,
        Pretreatment=config.Pretreatment.model_copy(update={"Resize": None}),
        Symbols=list(charset.symbols),
        Replace=dict(charset.replace),
        Case=charset.case,
        TestSetNum=config.System.TestSetNum,
        TestPath=not config.System.splits,
        Drawn=generator_of(config) if config.System.synthetic else None,
    )


def fingerprint(recipe: Recipe, pictures: Sequence[Picture]) -> str:
    """Return the SHA-256 of what the records hold, whatever the files are called and wherever they are."""
    contents = sorted((picture.SHA256, picture.Label, picture.Side) for picture in pictures)
    made = recipe.model_dump(exclude=None if recipe.Drawn else {"Drawn"})
    return sha256(json.dumps([made, contents], ensure_ascii=True).encode())


def read(folder: Path) -> Manifest | None:
    """Return the manifest in a folder; None if there is none that this version can read."""
    try:
        return Manifest.model_validate_json((folder / FILE_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest atomically; from then on the folder holds this set."""
    write_atomically(folder / FILE_NAME, manifest.model_dump_json(indent=1).encode())
