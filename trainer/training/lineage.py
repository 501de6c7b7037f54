"""The pictures that a run's weights come from: kept beside the weights, and followed through warm starts.

A score is about new pictures. So no test picture may be one that the weights have learned from, nor one that those
have which they started from, whatever has become of the set since.
"""

import collections
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from contract.files import write_atomically
from trainer.dataset import manifest as manifests
from trainer.dataset import quarantine
from trainer.dataset.findings import Side, counted
from trainer.dataset.manifest import Manifest, Stored
from trainer.dataset.pack import PackedSet
from trainer.run import Run, differences

DIGITS = 32  # hexadecimal, of each SHA-256: 128 bits tell any two pictures apart, and the file is half as large

SHOWN = 3  # names in a sentence


class Picture(NamedTuple):
    """A picture of the set: its name, label and side, the start of its file's SHA-256 and of its pixels'."""

    name: str
    label: str
    side: Side
    sha256: str
    pixels: str


class Lineage(Stored):
    """What a run's weights come from.

    Attributes:
        Decided: settings that the set it trains on follows from, as far as run.json does not tell them.
        Pictures: of that set.
        Donors: digests of files and pixels that the weights which it started from had learned from.
        Unknown: weights among its donors of which that is not known.
    """

    Decided: dict[str, Any]
    Pictures: list[Picture]
    Donors: list[str]
    Unknown: list[str]

    @property
    def learned(self) -> frozenset[str]:
        """Digests of all that these weights have learned from, or will."""
        own = (digest for one in self.Pictures if one.side == "train" for digest in (one.sha256, one.pixels))
        return frozenset(own) | frozenset(self.Donors)


@dataclass(frozen=True)
class Doubt:
    """What keeps a score from being one of new pictures; false if nothing does.

    Attributes:
        learned: names of test pictures that the weights have learned from.
        pictures: how many there are to test on.
        unknown: why nothing is known of others; empty if it is.
    """

    learned: tuple[str, ...]
    pictures: int
    unknown: str = ""

    def __bool__(self) -> bool:
        """Return whether there is a doubt."""
        return bool(self.learned or self.unknown)

    def __str__(self) -> str:
        """Return the sentence that tells it, without advice."""
        if self.learned:
            more = ", ..." if len(self.learned) > SHOWN else ""
            return (
                f"these weights have learned from {len(self.learned):,} of the {self.pictures:,} test pictures "
                f"({', '.join(self.learned[:SHOWN])}{more}), so a score on them says nothing about new pictures"
            )
        return (
            f"whether these weights have learned from test pictures cannot be known: {self.unknown}; "
            "train with --fresh to be sure"
        )


def begun(packed: PackedSet, donors: Iterable[str] = (), unknown: Sequence[str] = ()) -> Lineage:
    """Return the lineage of a training on a set.

    Args:
        packed: the set.
        donors: digests that the weights at its start have learned from.
        unknown: donors of which that is not known.
    """
    manifest = packed.manifest
    pictures = [
        Picture(one.Name, one.Label, one.Side, one.SHA256[:DIGITS], one.Pixels[:DIGITS]) for one in manifest.Pictures
    ]
    return Lineage(
        Decided=_decided(manifest),
        Pictures=pictures,
        Donors=sorted(donors),
        Unknown=list(unknown),
    )


def descended(known: Lineage | None, donor: str, packed: PackedSet) -> Lineage:
    """Return the lineage of a training that starts from other weights.

    Args:
        known: what those come from; None if it is not known.
        donor: what to call them then.
        packed: the set to train on.
    """
    if known is None:
        return begun(packed, unknown=[donor])
    return begun(packed, known.learned, known.Unknown)


def recall(folder: Path, packed: PackedSet) -> Lineage | None:
    """Return what the weights in a `run/` folder come from; None if that is not known.

    A run that was begun before this was kept is known by its run.json, if it trained on this very set from the start.
    """
    written = folder / Run.PICTURES
    try:
        return Lineage.model_validate_json(written.read_bytes())
    except (OSError, ValidationError):
        pass
    try:
        made_of = json.loads((folder / Run.IDENTITY).read_text("utf-8"))["made_of"]
        same = made_of["pictures"] == packed.fingerprint and made_of["warm start"] is None
    except (OSError, ValueError, KeyError):
        return None
    return begun(packed) if same else None


def write(path: Path, lineage: Lineage) -> None:
    """Write a lineage where `recall` finds it."""
    write_atomically(path, lineage.model_dump_json().encode())


def doubt(known: Lineage | None, packed: PackedSet, unknown: str = "nothing tells what they were trained on") -> Doubt:
    """Hold a test set against all that some weights have learned from: files and pixels, one by one.

    Args:
        known: what the weights come from; None if it is not known.
        packed: the set whose test side counts.
        unknown: why it is not, then.
    """
    manifest = packed.manifest
    tested = [one for one in manifest.Pictures if one.Side == "test"]
    if known is None:
        return Doubt((), len(tested), unknown)
    learned = known.learned
    names = [one.Name for one in tested if not learned.isdisjoint((one.SHA256[:DIGITS], one.Pixels[:DIGITS]))]
    strangers = f"they started from {', '.join(known.Unknown)}, and nothing tells what that was trained on"
    return Doubt(tuple(names), len(tested), strangers if known.Unknown else "")


def advised(found: Doubt, packed: PackedSet, listed: Path) -> str:
    """Return a doubt with what to do; where pictures can be left out for it, they are listed first, for --exclude.

    Args:
        found: a doubt.
        packed: the set.
        listed: the list, which names those too that are left out already.
    """
    if not found.learned:
        return str(found)
    left_out = dict.fromkeys(packed.manifest.Excluded, "left out before")
    quarantine.write_names(listed, left_out | dict.fromkeys(found.learned, "learned from"))
    return (
        f"{found}. Undo what put them on the test side (System.TestSetNum, System.TestPath, a set that was packed "
        f"anew); leave them out with --exclude {listed.as_posix()}; or train with --fresh, and from no such weights"
    )


def changes(known: Lineage, packed: PackedSet, left_out: int) -> list[str]:
    """Name what became of a set since: settings, then how many pictures came, went or changed. Pure but for reading.

    Args:
        known: what the run was begun with.
        packed: the set now.
        left_out: how many pictures --exclude left out then.
    """
    now = begun(packed)
    told = differences(known.Decided, now.Decided)
    if left_out != packed.excluded:
        told.append(f"--exclude left {counted(left_out, 'picture')} out, now {packed.excluded:,}")
    before, after = _by_content(known), _by_content(now)
    counts: collections.Counter[str] = collections.Counter()
    for digest in before | after:
        old, new = before.get(digest, []), after.get(digest, [])
        if len(old) != len(new):
            counts["added" if len(new) > len(old) else "removed"] += abs(len(new) - len(old))
        elif sorted(one.label for one in old) != sorted(one.label for one in new):
            counts["relabelled"] += len(new)
        elif old[0].side != new[0].side:
            counts[f"moved from {old[0].side} to {new[0].side}"] += len(new)
    return told + [f"{counted(count, 'picture')} {what}" for what, count in sorted(counts.items())]


def _decided(manifest: Manifest) -> dict[str, Any]:
    made = manifest.Made
    return {
        "System.TestSetNum": made.TestSetNum,
        "a System.TestPath": made.TestPath,
        "Synthetic": made.Drawn,
        "the schema of packed sets": manifests.SCHEMA,
    }


def _by_content(lineage: Lineage) -> dict[str, list[Picture]]:
    grouped: dict[str, list[Picture]] = {}
    for one in lineage.Pictures:
        grouped.setdefault(one.sha256, []).append(one)
    return grouped
