"""Find the pictures that a config names, and their labels. Opens none of them."""

import collections
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from trainer.config import TrainConfig
from trainer.dataset.sample import FileContent, Sample
from trainer.errors import SourceError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp"})
JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


@dataclass(frozen=True)
class Scan:
    """What was found.

    Attributes:
        train: from TrainsPath, sorted by name. If `test` is empty, the split takes the test set out of these.
        test: from TestPath, sorted by name.
        ignored: how many files were passed over, by kind: a suffix, or the name of a well-known junk file.
    """

    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    ignored: Mapping[str, int]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All of them, train first."""
        return self.train + self.test

    def without(self, names: frozenset[str]) -> "Scan":
        """Return the scan less the samples of these names."""
        kept = [tuple(sample for sample in side if sample.name not in names) for side in (self.train, self.test)]
        return Scan(kept[0], kept[1], self.ignored)


def scan(config: TrainConfig) -> Scan:
    """Find the pictures and labels that a config names.

    Raises:
        SourceError: a folder is missing, or has no picture in it.
    """
    ignored: collections.Counter[str] = collections.Counter()
    system = config.System
    train = _sources("System.TrainsPath", system.train_paths, system.TrainRegex, ignored)
    test = _sources("System.TestPath", system.test_paths, system.test_regex, ignored)
    return Scan(train, test, dict(ignored))


def label_of(file_name: str, pattern: re.Pattern[str]) -> str | None:
    """Return the label in a file's name: the first match of the pattern, as text; None without a match."""
    found = pattern.search(PurePath(file_name).name)
    return found.group() if found else None


def picture_files(folder: Path, ignored: collections.Counter[str]) -> Iterator[Path]:
    """Yield the picture files in a folder and below it; count the others by kind in `ignored`."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_junk(name)]
        for name in files:
            suffix = PurePath(name).suffix.lower()
            if _is_junk(name):
                ignored[name] += 1
            elif suffix and suffix not in PICTURE_SUFFIXES:
                ignored[suffix] += 1
            else:
                yield Path(parent, name)


def ignored_sentence(ignored: Mapping[str, int]) -> str:
    """Return which files were passed over, such as `3 files passed over: 2 .txt, 1 Thumbs.db`."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(ignored.items(), key=lambda item: -item[1])[:8])
    return f"{sum(ignored.values()):,} files passed over: {kinds}"


def _sources(key: str, paths: tuple[str, ...], regex: str, ignored: collections.Counter[str]) -> tuple[Sample, ...]:
    pattern = re.compile(regex)
    found = {sample.name: sample for path in paths for sample in _source(key, path, pattern, ignored)}
    return tuple(found[name] for name in sorted(found))


def _source(key: str, path: str, pattern: re.Pattern[str], ignored: collections.Counter[str]) -> list[Sample]:
    folder = Path(path)
    if not folder.is_dir():
        kind = "is not a folder" if folder.exists() else f"is not there (looked from {Path.cwd()})"
        raise SourceError(f"{key}: {path!r} {kind}; give the folder that holds the pictures")
    passed_over: collections.Counter[str] = collections.Counter()
    files = list(picture_files(folder, passed_over))
    if not files:
        why = f" ({ignored_sentence(passed_over)})" if passed_over else ""
        formats = " ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(f"{key}: no picture in {path!r}{why}; files read here end in {formats}")
    ignored.update(passed_over)
    return [Sample(file.as_posix(), label_of(file.name, pattern), FileContent(file)) for file in files]


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK
