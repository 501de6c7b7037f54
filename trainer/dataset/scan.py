"""Find the pictures that a config names, and their labels. Opens no picture."""

import collections
import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.config import TrainConfig
from trainer.dataset import endless, sources
from trainer.dataset.findings import counted
from trainer.dataset.sample import Sample
from trainer.errors import SourceError

SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class Scan:
    """What was found.

    Attributes:
        train: from TrainsPath, sorted by name. If `test` is empty, the split takes the test set out of these.
        test: from TestPath, sorted by name.
        ignored: how many files were passed over, by kind: a suffix, or the name of a well-known junk file.
        endless: the pictures to train on are drawn while training; `train` is empty.
    """

    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    ignored: Mapping[str, int]
    endless: bool = False

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All of them, train first."""
        return self.train + self.test

    def without(self, names: frozenset[str]) -> "Scan":
        """Return the scan less the samples of these names."""
        kept = [tuple(sample for sample in side if sample.name not in names) for side in (self.train, self.test)]
        return Scan(kept[0], kept[1], self.ignored, self.endless)

    def left_out_sentence(self, names: frozenset[str]) -> str:
        """Return what `without` does with these names, for a person."""
        unknown = sorted(names - {sample.name for sample in self.samples})
        left_out = f"--exclude leaves {counted(len(names) - len(unknown), 'picture')} out"
        if not unknown:
            return left_out
        if len(unknown) == len(names):
            left_out = (
                f"warning: --exclude leaves nothing out, because no picture has a name of its list ({len(names):,})"
            )
        else:
            left_out += f"; no picture has {len(unknown):,} of its names"
        more = ", ..." if len(unknown) > SHOWN else ""
        return f"{left_out}: {', '.join(unknown[:SHOWN])}{more}"


def scan(config: TrainConfig) -> Scan:
    """Find the pictures and labels that a config names.

    Raises:
        SourceError: a folder or file is missing, or has no picture in it; a font to draw with is missing, or labels to
            be drawn may be too long for the network.
    """
    ignored: collections.Counter[str] = collections.Counter()
    system = config.System
    test = _samples("System.TestPath", system.test_paths, system.test_regex, ignored)
    if system.synthetic:
        endless.check_room(config)
        return Scan((), test or endless.held_out(config), dict(ignored), endless=True)
    train = _samples("System.TrainsPath", system.train_paths, system.TrainRegex, ignored)
    tested = {sample.name for sample in test}
    learned = tuple(sample for sample in train if sample.name not in tested)
    if not learned:
        raise SourceError("System.TestPath: it has every picture of TrainsPath, and none is left to learn from")
    if len(learned) < len(train):  # TestPath is a folder within TrainsPath, say
        ignored["to learn from that TestPath has too"] += len(train) - len(learned)
    return Scan(learned, test, dict(ignored))


def _samples(key: str, paths: tuple[str, ...], regex: str, ignored: collections.Counter[str]) -> tuple[Sample, ...]:
    """Return the samples of all paths; where two name the same picture, the later one has its label."""
    pattern = re.compile(regex)
    found: dict[str, Sample] = {}
    try:
        for path in paths:
            for place in _places(path):
                found.update((sample.name, sample) for sample in sources.read(place, pattern, ignored))
    except SourceError as error:
        raise SourceError(f"{key}: {error}") from error
    return tuple(found[name] for name in sorted(found))


def _places(path: str) -> list[Path]:
    """Return what a path of a config means: itself, or everything that fits it as a pattern."""
    if Path(path).exists() or not glob.has_magic(path):
        return [Path(path)]
    found = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - pathlib takes no absolute pattern
    if not found:
        raise SourceError(f"nothing fits the pattern {path!r} (looked from {Path.cwd()})")
    return [Path(place) for place in found]
