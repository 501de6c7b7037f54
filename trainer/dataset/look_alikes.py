"""Rules about pictures that look the same to the network."""

from collections.abc import Iterable, Iterator, Sequence

from trainer.dataset.findings import Entry, Finding, Place, counted, error, warning
from trainer.dataset.target import Target

MANY_COPIES = 0.01  # share of a set from which on they are worth a word


def contradictions(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Pictures with the same pixels and different labels."""
    fold = target.fold
    places = []
    for group in _look_alikes(entry for entry in entries if entry.label is not None):
        labels = dict.fromkeys(fold(entry.label or "") for entry in group)
        if len(labels) > 1:
            places += [Place(entry.name, f"labelled {' and '.join(map(repr, labels))}") for entry in group]
    sentence = f"{counted(len(places), 'picture')} that look the same to the network but differ in label"
    yield from error("contradiction", sentence, places)


def copies(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:  # noqa: ARG001 - one signature
    """Pictures that look like another one: a test set counts each of them as one of its own."""
    places = [Place(entry.name, f"as {group[0].name}") for group in _look_alikes(entries) for entry in group[1:]]
    if len(places) >= MANY_COPIES * len(entries):
        sentence = (
            f"{counted(len(places), 'picture')} that look like another one: {len(entries) - len(places):,} differ"
        )
        yield from warning("copies", sentence, places)


def leaks(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:  # noqa: ARG001 - one signature
    """Pictures that are in both paths, as copies or with the same pixels."""
    places = []
    for group in _look_alikes(entries):
        trained = [entry.name for entry in group if entry.side == "train"]
        if trained:
            places += [Place(entry.name, f"as {trained[0]}") for entry in group if entry.side == "test"]
    sentence = f"{counted(len(places), 'picture')} of TestPath also in TrainsPath: the score would not be honest"
    yield from error("leak", sentence, places)


def _look_alikes(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the groups of two and more readable pictures with the same contract pixels."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.facts.pixels_sha256:
            groups.setdefault(entry.facts.pixels_sha256, []).append(entry)
    return (group for group in groups.values() if len(group) > 1)
