"""What makes a set of pictures fit to train on: pure checks from entries to findings."""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from trainer.dataset.alphabet import fitting_charset
from trainer.dataset.config_file import as_yaml
from trainer.dataset.findings import SHOWN, Entry, Finding, Place, Severity, Side, counted, error, warning
from trainer.dataset.look_alikes import contradictions, copies, leaks
from trainer.dataset.target import Target
from trainer.network.geometry import frames, smallest_width

RARE = 10  # a symbol with fewer samples than this is hardly learnt
LISTED = 40  # symbols in a sentence; a Chinese set has thousands


Rule = Callable[[Sequence[Entry], Target], Iterator[Finding]]


def check(entries: Sequence[Entry], target: Target) -> list[Finding]:
    """Apply every rule; errors come first."""
    findings = [finding for rule in RULES for finding in rule(entries, target)]
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def unreadable(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:  # noqa: ARG001 - one signature
    """Pictures that cannot be decoded: damaged, cut off, over the limits, or no picture at all."""
    places = [Place(entry.name, entry.facts.problem) for entry in entries if entry.facts.problem]
    yield from error("unreadable", f"{counted(len(places), 'picture')} cannot be read", places)


def unlabelled(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """File names in which the pattern finds no label."""
    keys: dict[Side, str] = {"train": "TrainRegex", "test": "TestRegex"}
    for side, key in keys.items():
        places = [Place(e.name, "no match") for e in entries if e.label is None and e.side == side]
        sentence = f"System.{key} {target.regexes[side]!r} finds no label in {counted(len(places), 'file name')}"
        yield from error("no-label", sentence, places)


def empty_labels(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Labels without a symbol."""
    places = [Place(e.name, "empty") for e in entries if e.label is not None and not target.fold(e.label)]
    yield from error("empty-label", f"{counted(len(places), 'picture')} with an empty label", places)


def one_label(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """A pattern that finds the same in every name: there is nothing to learn."""
    labels = {target.fold(entry.label or "") for entry in entries}
    label = next(iter(labels), "")
    if len(entries) > 1 and len(labels) == 1 and label:
        sentence = f"every picture has the label {label!r}: does the pattern find what is to be read?"
        yield Finding("one-label", Severity.WARNING, sentence)


def unknown_symbols(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Labels with symbols that the character set lacks; says which `CharSet` would have them all."""
    known = frozenset(target.charset.symbols)
    places, missing = [], set()
    for entry, text in _folded(entries, target):
        if not known.issuperset(text):
            unknown = [symbol for symbol in dict.fromkeys(text) if symbol not in known]
            missing.update(unknown)
            replaced = "" if set(unknown) <= set(entry.label or "") else " after CharReplace and the folding of case"
            places.append(Place(entry.name, f"{entry.label!r} has {' '.join(map(repr, unknown))}{replaced}"))
    used = {symbol for _, text in _folded(entries, target) for symbol in text} if places else set()
    sentence = (
        f"{counted(len(places), 'label')} with symbols outside the character set: {_some(sorted(missing))}; "
        f"mend the labels, or use CharSet: {as_yaml(fitting_charset(used))}"
    )
    yield from error("unknown-symbol", sentence, places)


def too_long(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Labels that the network has no room for: frames of this width, or positions; says what would do."""
    if target.neural_net.MaxLabelNum is None:
        yield from _too_few_frames(entries, target)
    else:
        yield from _too_few_positions(entries, target, target.neural_net.MaxLabelNum)


def _too_few_positions(entries: Sequence[Entry], target: Target, positions: int) -> Iterator[Finding]:
    lengths = {entry.name: len(text) for entry, text in _folded(entries, target) if len(text) > positions}
    places = [Place(name, f"{length} symbols") for name, length in lengths.items()]
    sentence = (
        f"{counted(len(places), 'label')} with more than the {positions} symbols of NeuralNet.MaxLabelNum; the longest "
        f"has {max(lengths.values(), default=0)}: set it to that"
    )
    yield from error("too-long", sentence, places)


def _too_few_frames(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    there = frames(target.neural_net, target.input_width)
    places, longest = [], 0
    for entry, text in _folded(entries, target):
        needed = frames_needed(text)
        if needed > there:
            longest = max(longest, needed)
            places.append(Place(entry.name, f"{entry.label!r} needs {needed}"))
    width = smallest_width(target.neural_net, longest)
    sentence = (
        f"{counted(len(places), 'label')} too long: a width of {target.input_width} pixels gives {there} frames, and "
        f"CTC needs one for each symbol and one between equal neighbours; the smallest width that fits is {width}: set "
        f"it in Pretreatment.Resize"
    )
    yield from error("too-long", sentence, places)


def too_few(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """A test set that would leave nothing to train on, or less than is tested on."""
    asked = target.test_set_num
    if not target.split_here:
        return
    if len(entries) > (asked or 1):
        left = len(entries) - (asked or 0)
        if asked and left < asked:
            sentence = f"System.TestSetNum {asked:,} leaves {left:,} of {len(entries):,} pictures to train on"
            yield Finding("test-set", Severity.WARNING, f"{sentence}; a tenth for testing is usual")
        return
    sentence = f"{len(entries):,} pictures cannot give a test set of {asked or 1:,} and something to train on; " + (
        "lower System.TestSetNum" if asked else "at least 2 are needed"
    )
    yield Finding("test-set", Severity.ERROR, sentence)


def other_sizes(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Pictures of another size than the config says."""
    sizes = collections.Counter(entry.facts.size for entry in entries if entry.facts.size)
    places = [
        Place(entry.name, _by(entry.facts.size))
        for entry in entries
        if entry.facts.size and entry.facts.size != target.picture_size
    ]
    histogram = ", ".join(f"{_by(size)}: {count:,}" for size, count in sizes.most_common(SHOWN))
    rest = f", {len(sizes) - SHOWN:,} other sizes" if len(sizes) > SHOWN else ""
    sentence = (
        f"{counted(len(places), 'picture')} not {_by(target.picture_size)} as ImageWidth and ImageHeight say, to be "
        f"resized ({histogram}{rest})"
    )
    yield from warning("other-size", sentence, places)


def animated(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Pictures with more than one frame, unless the config says which one holds the text."""
    places = [Place(entry.name, "animated") for entry in entries if entry.facts.animated]
    if target.frame is None:
        sentence = (
            f"{counted(len(places), 'animated picture')}: say in Pretreatment.AnimatedFrame which frame holds the text "
            f"(0 is the first)"
        )
        yield from error("animated", sentence, places)


def rare_symbols(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:
    """Symbols of the character set with few samples or none."""
    if target.drawn:
        return  # those that are here are only tested on
    counts = collections.Counter("".join(text for _, text in _folded(entries, target)))
    rare = {symbol: counts[symbol] for symbol in target.charset.symbols if 0 < counts[symbol] < RARE}
    if rare:
        told = _some([f"{symbol} ({count})" for symbol, count in rare.items()])
        places = [
            Place(entry.name, " ".join(found))
            for entry, text in _folded(entries, target)
            if (found := [symbol for symbol in dict.fromkeys(text) if symbol in rare])
        ]
        yield from warning("rare-symbol", f"symbols with fewer than {RARE} samples are hardly learnt: {told}", places)
    unused = [symbol for symbol in target.charset.symbols if not counts[symbol]]
    if unused:
        sentence = f"symbols of the character set that no label has: {_some(unused)}; CharExclude can leave them out"
        yield Finding("unused-symbol", Severity.WARNING, sentence)


def idle_keys(entries: Sequence[Entry], target: Target) -> Iterator[Finding]:  # noqa: ARG001 - one signature
    """Keys that decide nothing."""
    for sentence in target.idle:
        yield Finding("idle-key", Severity.WARNING, f"{sentence}; leave it out")


RULES: tuple[Rule, ...] = (
    unreadable,
    unlabelled,
    empty_labels,
    one_label,
    unknown_symbols,
    too_long,
    contradictions,
    copies,
    leaks,
    too_few,
    other_sizes,
    animated,
    rare_symbols,
    idle_keys,
)


def frames_needed(text: str) -> int:
    """Return how many frames CTC needs to spell a text: one for each symbol, and a blank between equal neighbours."""
    return len(text) + sum(left == right for left, right in pairwise(text))


def _folded(entries: Iterable[Entry], target: Target) -> Iterator[tuple[Entry, str]]:
    fold = target.fold
    return ((entry, fold(entry.label)) for entry in entries if entry.label is not None)


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - LISTED:,} more" if len(words) > LISTED else ""
    return " ".join(words[:LISTED]) + more


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
