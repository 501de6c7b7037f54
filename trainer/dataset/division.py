"""Which side each picture of a config goes to: as TestPath says, or as the split decides."""

from collections.abc import Sequence
from pathlib import Path

from trainer.dataset.findings import SIDES, Entry, Finding, Severity, Side
from trainer.dataset.manifest import Manifest, Recipe
from trainer.dataset.split import Content, default_test_count, is_a_tenth, split
from trainer.errors import DataError


def divide(given: Sequence[Entry], recipe: Recipe, old: Manifest | None) -> tuple[tuple[Side, ...], str]:
    """Return the side of each picture, and the threshold of the split; empty where TestPath says what is tested.

    Raises:
        DataError: one side is empty.
    """
    if recipe.TestPath:
        sides = tuple(entry.side for entry in given)
        missing = [side for side in SIDES if side not in sides and not (side == "train" and recipe.Drawn)]
        if missing:
            raise DataError(f"no picture is left for the {missing[0]} set, of those that TrainsPath and TestPath name")
        return sides, ""
    contents = [Content(entry.facts.sha256, entry.facts.pixels_sha256) for entry in given]
    count = recipe.TestSetNum or default_test_count(len(contents))
    digests = frozenset(content.sha256 for content in contents)
    result = split(contents, count, old.earlier(recipe, digests) if old else None)
    empty = next((side for side in SIDES if side not in result.sides), None)
    if empty:
        raise DataError(
            f"setting {count:,} of {len(contents):,} pictures aside for testing leaves the {empty} set empty, because "
            "pictures that look the same stay together; add pictures, or change System.TestSetNum"
        )
    return result.sides, result.threshold


def doubt(sides: Sequence[Side], recipe: Recipe, folder: Path) -> tuple[Finding, ...]:
    """Say if the split, which is kept as a set grows, sets another share aside than the usual one.

    Args:
        sides: of the pictures.
        recipe: of the set.
        folder: that holds it.
    """
    tested = sides.count("test")
    if recipe.TestPath or recipe.TestSetNum or is_a_tenth(tested, len(sides)):
        return ()
    sentence = (
        f"{tested:,} of {len(sides):,} pictures are tested on, {tested / len(sides):.1%}, where a tenth is usual: the "
        f"set had another size when it was divided, and pictures keep their side; delete {folder} to divide it anew"
    )
    return (Finding("test-share", Severity.WARNING, sentence),)
