"""What a set of pictures is made of: formats, sizes, lengths of labels, symbols."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contract import image
from contract.charset import Charset
from contract.errors import PictureError
from contract.files import sha256
from contract.formats import format_of
from trainer import parallel
from trainer.dataset.sample import Sample
from trainer.progress import Progress

Key = TypeVar("Key", str, tuple[int, int])

MODES = {"1": "black and white", "L": "gray", "LA": "gray, transparent", "P": "palette", "RGB": "colour"} | {
    "RGBA": "colour, transparent",
    "CMYK": "colour, CMYK",
}


@dataclass(frozen=True)
class Look:
    """What one picture file is.

    Attributes:
        sha256: of the file; empty if it cannot be read.
        size_bytes: of the file.
        kind: its format and kind of colour; empty if it cannot be decoded.
        size: (width, height) in pixels.
        animated: it has several frames.
    """

    sha256: str
    size_bytes: int = 0
    kind: str = ""
    size: tuple[int, int] = (0, 0)
    animated: bool = False


@dataclass(frozen=True)
class Stats:
    """What a set is made of; each mapping counts pictures, symbols count occurrences, the most frequent first.

    Attributes:
        pictures: how many there are.
        size_bytes: of all files.
        unreadable: pictures that cannot be decoded.
        unlabelled: pictures whose name has no label.
        animated: pictures with several frames.
        copies: files that are a copy of another one.
        formats: by format and kind of colour.
        sizes: by (width, height) in pixels.
        lengths: by number of symbols in the label, the shortest first.
        symbols: in labels.
    """

    pictures: int
    size_bytes: int
    unreadable: int
    unlabelled: int
    animated: int
    copies: int
    formats: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]
    lengths: Mapping[int, int]
    symbols: Mapping[str, int]

    def as_json(self) -> dict[str, object]:
        """Return the numbers as a tree for machines."""
        return {
            "pictures": self.pictures,
            "bytes": self.size_bytes,
            "unreadable": self.unreadable,
            "unlabelled": self.unlabelled,
            "animated": self.animated,
            "copies": self.copies,
            "formats": dict(self.formats),
            "sizes": {f"{width}x{height}": count for (width, height), count in self.sizes.items()},
            "lengths": {str(length): count for length, count in self.lengths.items()},
            "symbols": dict(self.symbols),
        }


def gather(samples: Sequence[Sample], workers: int, progress: Progress, charset: Charset | None = None) -> Stats:
    """Open every picture on all cores and count.

    Args:
        samples: the pictures.
        workers: processes.
        progress: shows a bar.
        charset: labels are counted as it folds them; None counts them as they are written.
    """
    looks: list[Look] = []
    with progress.steps("Reading", len(samples)) as bar:
        for chunk in parallel.in_order(_look_at, samples, workers):
            looks += chunk
            bar.advance(len(chunk))
    labels = [sample.label for sample in samples if sample.label is not None]
    return count(looks, [charset.fold(label) for label in labels] if charset else labels)


def count(looks: Sequence[Look], labels: Sequence[str]) -> Stats:
    """Count what was seen; pictures that are not in `labels` have none. Pure."""
    decoded = [look for look in looks if look.kind]
    read = [look.sha256 for look in looks if look.sha256]
    return Stats(
        pictures=len(looks),
        size_bytes=sum(look.size_bytes for look in looks),
        unreadable=len(looks) - len(decoded),
        unlabelled=len(looks) - len(labels),
        animated=sum(look.animated for look in looks),
        copies=len(read) - len(set(read)),
        formats=_by_count(look.kind for look in decoded),
        sizes=_by_count(look.size for look in decoded),
        lengths=dict(sorted(collections.Counter(map(len, labels)).items())),
        symbols=_by_count(symbol for label in labels for symbol in label),
    )


def _by_count(items: Iterable[Key]) -> dict[Key, int]:
    return dict(sorted(collections.Counter(items).items(), key=lambda pair: (-pair[1], pair[0])))


def _look_at(samples: Sequence[Sample]) -> list[Look]:
    return [_look_at_one(sample) for sample in samples]


def _look_at_one(sample: Sample) -> Look:
    try:
        content = sample.content.read()
    except OSError:
        return Look("")
    digest = sha256(content)
    try:
        picture = image.decode(content)
    except PictureError:
        return Look(digest, len(content))
    kind = f"{format_of(content)}, {MODES.get(picture.mode, picture.mode)}"
    return Look(digest, len(content), kind, picture.size, image.is_animated(picture))
