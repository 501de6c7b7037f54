"""What a packed set is made of: the manifest beside its records, and when it no longer fits the config."""

import collections
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.charset import Case
from contract.files import sha256, write_atomically
from contract.image import Pretreatment
from trainer.config import TrainConfig
from trainer.dataset.examine import Facts
from trainer.dataset.findings import Entry, Side
from trainer.dataset.sample import Sample
from trainer.dataset.scan import Scan
from trainer.dataset.split import Earlier

SCHEMA = 1  # of the records: goes up when packing the same pictures would write something else

FILE_NAME = "manifest.json"


class Stored(BaseModel):
    """Base of what the manifest holds: read by one call, for there may be a hundred thousand pictures in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Recipe(Stored):
    """What decides how pictures become records.

    Attributes:
        Schema: of the records.
        Width, Height: of the contract pixels.
        Pretreatment: of the config, without its Resize, which Width and Height hold.
        Symbols, Replace, Case: of the character set.
        TestSetNum: as asked for; None set a tenth aside.
        TestPath: the test pictures have a path of their own.
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


class Picture(Stored):
    """A packed picture.

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
        TestPath=bool(config.System.test_paths),
    )


def fingerprint(recipe: Recipe, pictures: Sequence[Picture]) -> str:
    """Return the SHA-256 of what the records hold, whatever the files are called and wherever they are."""
    contents = sorted((picture.SHA256, picture.Label, picture.Side) for picture in pictures)
    return sha256(json.dumps([recipe.model_dump(), contents], ensure_ascii=True).encode())


def read(folder: Path) -> Manifest | None:
    """Return the manifest in a folder; None if there is none that this version can read."""
    try:
        return Manifest.model_validate_json((folder / FILE_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest atomically; from then on the folder holds this set."""
    write_atomically(folder / FILE_NAME, manifest.model_dump_json(indent=1).encode())


def stale_reason(manifest: Manifest | None, folder: Path, recipe: Recipe, found: Scan) -> str | None:
    """Return why a set must be packed again, as the rest of "Packing: ..."; None if it still fits.

    Args:
        manifest: of the packed set.
        folder: where it is.
        recipe: of the config.
        found: the pictures there are now, without those left out.
    """
    if manifest is None:
        return "it has not been packed yet"
    changed = _changed_keys(manifest.Made, recipe)
    if changed:
        return f"the config has changed: {', '.join(changed)}"
    damaged = damaged_records(manifest, folder)
    if damaged:
        return f"{damaged} is missing or not as it was written"
    return _changed_pictures(manifest.Pictures, found)


def damaged_records(manifest: Manifest, folder: Path) -> str | None:
    """Return the name of a file of records that is missing or has another size than was written."""
    for name, size in manifest.Records.values():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size:
            return name
    return None


def _changed_keys(old: Recipe, new: Recipe) -> list[str]:
    before, after = _flat(old.model_dump()), _flat(new.model_dump())
    return [
        f"{key} was {_brief(before.get(key))}, is {_brief(after[key])}"
        for key in after
        if before.get(key) != after[key]
    ]


def _changed_pictures(packed: Sequence[Picture], found: Scan) -> str | None:
    before = {picture.Name: picture for picture in packed}
    counts: collections.Counter[str] = collections.Counter()
    given = [(sample, "train") for sample in found.train] + [(sample, "test") for sample in found.test]
    for sample, side in given:
        picture = before.pop(sample.name, None)
        if picture is None:
            counts["added"] += 1
        elif sample.label != picture.Label:
            counts["with another label"] += 1
        elif found.test and side != picture.Side:
            counts["on the other side"] += 1
        elif _rewritten(sample, picture):
            counts["changed"] += 1
    counts["removed"] += len(before)
    told = [f"{count:,} picture{'s' if count > 1 else ''} {what}" for what, count in counts.items() if count]
    return ", ".join(told) or None


def _rewritten(sample: Sample, picture: Picture) -> bool:
    # Reading every file takes minutes on a slow disk; size and time of writing tell in most cases.
    try:
        return sample.content.stamp() != picture.Stamp and sha256(sample.content.read()) != picture.SHA256
    except OSError:
        return True


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and key != "Replace":
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _brief(value: object) -> str:
    text = "".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= 70 else f"{text[:67]}..."
