"""When a packed set no longer fits its config or its pictures, and why."""

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.files import sha256
from trainer.dataset.manifest import Manifest, Picture, Recipe
from trainer.dataset.sample import Sample
from trainer.dataset.scan import Scan


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
