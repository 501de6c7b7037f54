"""relabel.csv: labels in doubt, proposed, edited by a person, and given back. Pure.

It is a label file itself: `file` and `label`, the label being the one that is proposed; beside them what the label was
and how sure the reading is. Lines of labels that were right after all are deleted, other labels are typed in.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.errors import UsageError

HEADING = ("file", "label", "was", "confidence")


@dataclass(frozen=True)
class Proposal:
    """A label to doubt.

    Attributes:
        name: of the picture.
        label: proposed in place of `was`; empty takes the picture out of the set.
        was: its present label.
        confidence: of the reading, 0..1.
    """

    name: str
    label: str
    was: str = ""
    confidence: float = 0.0


def to_csv(proposals: Iterable[Proposal]) -> str:
    """Return the proposals as CSV."""
    rows = [(one.name, one.label, one.was, f"{one.confidence:.4f}") for one in proposals]
    return _csv([HEADING, *rows])


def from_csv(text: str, source: str) -> list[Proposal]:
    """Return the proposals of an edited file; only the columns `file` and `label` are needed.

    Raises:
        UsageError: a column is missing, or a confidence is no number.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in HEADING[:2] if name not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(f"{source}: its first line should name the columns file,label; {missing[0]!r} is missing")
    try:
        return [
            Proposal(line["file"], line["label"] or "", line.get("was") or "", float(line.get("confidence") or 0))
            for line in reader
            if line["file"]
        ]
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{source}, line {reader.line_num}: {error}") from error


def corrected(labels: Mapping[str, str], proposals: Sequence[Proposal]) -> dict[str, str]:
    """Return labels by name with the proposals put in; pictures that are to leave are gone.

    Raises:
        UsageError: a proposal names a picture that is not in the set.
    """
    unknown = [one.name for one in proposals if one.name not in labels]
    if unknown:
        raise UsageError(f"{len(unknown):,} pictures are not in the set that the config names, {unknown[0]!r} first")
    result = {**labels, **{one.name: one.label for one in proposals}}
    return {name: label for name, label in result.items() if label}


def label_file(rows: Iterable[tuple[str, str]]) -> str:
    """Return a label file of (file, label), as `System.TrainsPath` can name it."""
    # All in quotes: unquoted, spaces at the beginning of a label or a name would be lost.
    return _csv([HEADING[:2], *rows], csv.QUOTE_ALL)


def _csv(rows: Iterable[Sequence[str]], quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=quoting).writerows(rows)
    return buffer.getvalue()
