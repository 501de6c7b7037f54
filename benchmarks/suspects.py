"""How many of the wrong labels `suspects` lists, and how many of those that it lists are wrong.

    python benchmarks/suspects.py CONFIG [--plant 0.025] [--seed 0]     a set whose labels are right
    python benchmarks/suspects.py CONFIG --truth FILE                   a set whose wrong labels are known

The first plants wrong labels, in memory, and looks for those; what it lists beside them counts as a false alarm. A
third are habits (one symbol, in the first place, always taken for the same other one), the rest are slips (one symbol
is another one) and mix-ups (the label of another picture). The second takes the set as it is, and a file with the
columns `file,label` of all pictures whose label is wrong, with the right one, as relabel.csv has it.

Both search with the command's defaults.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainer import config as configs
from trainer.config import TrainConfig
from trainer.dataset import pack
from trainer.dataset.findings import Side
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples
from trainer.evaluation import relabel
from trainer.evaluation.relabel import Proposal
from trainer.framework import import_keras
from trainer.progress import Terminal

TARGETS = "targets: at least 95 % of the wrong labels listed, at most 5 % of the list right after all"


@dataclass(frozen=True)
class Planted(PackedSet):
    """A packed set in which some labels are others.

    Attributes:
        labels: those, by the name of the picture.
    """

    labels: Mapping[str, str] = field(default_factory=dict)

    def load(self, side: Side) -> Examples:
        """Load one side with the planted labels."""
        examples = super().load(side)
        labels = [self.labels.get(name, label) for name, label in zip(examples.names, examples.labels, strict=True)]
        return replace(examples, labels=labels)


def main() -> int:
    """Plant or take the truth, search, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="of the set, as `init` writes it")
    parser.add_argument("--plant", type=float, default=0.025, help="share of wrong labels (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which labels are planted (default %(default)s)")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="the wrong labels of the set as it is")
    parser.add_argument("--list", type=Path, metavar="FILE", help="write what is found, as relabel.csv")
    arguments = parser.parse_args()
    config = configs.read(arguments.config)
    import_keras()
    packed = pack.prepare(config, Terminal())
    if arguments.truth:
        known = relabel.from_csv(arguments.truth.read_text("utf-8"), str(arguments.truth))
        truth = {one.name: one.label for one in known}
    else:
        packed, truth = planted(packed, arguments.plant, arguments.seed)
    started = time.monotonic()
    proposals = search(config, packed)
    if arguments.list:
        arguments.list.write_text(relabel.to_csv(proposals), "utf-8")
    return tell(proposals, truth, (time.monotonic() - started) / 60)


def search(config: TrainConfig, packed: PackedSet) -> list[Proposal]:
    """Search as the command does by default."""
    from trainer.training import device, suspicion  # noqa: PLC0415 - these import keras

    ready = device.prepare(config)
    found = suspicion.find(config, packed, suspicion.Search(precision=ready.precision), Terminal())
    print(found)
    return found.proposals


def planted(packed: PackedSet, share: float, seed: int) -> tuple[Planted, dict[str, str]]:
    """Return the set with wrong labels in it, and what those were."""
    labels: dict[str, str] = {}
    for side in pack.SIDES:
        examples = packed.load(side)
        labels |= zip(examples.names, examples.labels, strict=True)
    wrong = wrong_labels(labels, round(share * len(labels)), random.Random(seed))
    changed = Planted(packed.files, packed.fingerprint, packed.shape, packed.counts, packed.excluded, labels=wrong)
    return changed, {name: labels[name] for name in wrong}


def wrong_labels(labels: Mapping[str, str], count: int, rng: random.Random) -> dict[str, str]:
    """Return wrong labels for `count` pictures, a third of each kind."""
    symbols = sorted(set("".join(labels.values())))
    names = sorted(name for name, label in labels.items() if label)
    rng.shuffle(names)
    first = Counter(labels[name][0] for name in names).most_common(1)[0][0]
    habit = rng.choice([symbol for symbol in symbols if symbol != first])
    result = {name: habit + labels[name][1:] for name in names if labels[name][0] == first}
    result = dict(list(result.items())[: count // 3])
    for name in (name for name in names if name not in result):
        if len(result) == count:
            break
        label = labels[name]
        other = labels[rng.choice(names)] if len(result) % 2 else slip(label, symbols, rng)
        if other != label:
            result[name] = other
    return result


def slip(label: str, symbols: list[str], rng: random.Random) -> str:
    """Return a label with one symbol changed."""
    place = rng.randrange(len(label))
    return label[:place] + rng.choice([symbol for symbol in symbols if symbol != label[place]]) + label[place + 1 :]


def tell(proposals: list[Proposal], truth: Mapping[str, str], minutes: float) -> int:
    """Print the shares, and return whether a target was missed."""
    found = [one for one in proposals if one.name in truth]
    right = sum(one.label == truth[one.name] for one in found)
    alarms = len(proposals) - len(found)
    recall, false = len(found) / max(1, len(truth)), alarms / max(1, len(proposals))
    print(f"{len(truth):,} wrong labels, {len(proposals):,} listed in {minutes:.1f} minutes")
    print(
        f"found: {len(found):,} ({recall:.1%}), {right:,} with the right text; false alarms: {alarms:,} ({false:.1%})"
    )
    for name in sorted(truth.keys() - {one.name for one in found}):
        print(f"  missed: {name}, right {truth[name]}")
    for one in proposals:
        if one.name not in truth:
            print(f"  false alarm: {one.name} read as {one.label}, {one.confidence:.2f}")
    print(TARGETS)
    return int(recall < 0.95 or false > 0.05)


if __name__ == "__main__":
    sys.exit(main())
