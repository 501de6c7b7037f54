"""What to do next: a pure function of what the folders offer, what is loaded, and what the operator wants.

- The highest version of each model serves, or the pinned one.
- A successor is loaded before it is made active, and made active before anything else is unloaded.
- A loaded version stays for as long as a file lies in its place that is of no use: half-written, damaged, rejected. It
  goes when its YAML is removed, or when another usable version stands in its place.
- One whose YAML was removed stays too while another version of its model is there that cannot serve, or not yet: that
  may be its successor.
- Two YAMLs of one model and version are told apart by their paths alone: the last one serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract.spec import version_key
from serving.repository import Candidate
from serving.states import State

_UNLOADED = "unloaded by an operator, until it is asked for again"


@dataclass(frozen=True)
class Loaded:
    """A version that is loaded, active or on standby.

    Attributes:
        key: of the candidate that it was loaded from.
        places: its YAMLs, see `places.places_of`; none once they were removed.
    """

    key: str
    name: str
    version: str
    places: frozenset[Path]
    active: bool


@dataclass(frozen=True)
class Wishes:
    """What the operator wants.

    Attributes:
        pinned: model to the one version that is to serve.
        keep: how many more versions of each model to keep loaded.
        off: models that are not to serve at all.
    """

    pinned: Mapping[str, str] = field(default_factory=dict)
    keep: int = 0
    off: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Load:
    """Load and warm this version.

    Attributes:
        generation: other bytes under a version that is already loaded: worth a warning.
    """

    candidate: Candidate
    reason: str
    generation: bool = False


@dataclass(frozen=True)
class Activate:
    """Route requests to this version from now on."""

    key: str
    reason: str


@dataclass(frozen=True)
class Unload:
    """Take this version away, once its last request is answered."""

    key: str
    reason: str


Action = Load | Activate | Unload


def plan(candidates: Sequence[Candidate], loaded: Sequence[Loaded], wishes: Wishes) -> list[Action]:
    """Return what can be done now for each model; ask again after each action.

    Args:
        candidates: those in stage DISCOVERED can be loaded; the others only hold their place.
        loaded: versions that take requests or could.
        wishes: of the operator.

    Returns:
        Actions of one model are in the order of need; models are in the order of their names.
    """
    places = {candidate.path: candidate for candidate in candidates}
    offers = [candidate for candidate in candidates if candidate.stage is State.DISCOVERED]
    coming = {candidate.name for candidate in candidates if candidate.stage is not State.DISCOVERED}
    names = {offer.name for offer in offers} | {version.name for version in loaded}
    actions: list[Action] = []
    for name in sorted(names & wishes.off):
        actions += [Unload(version.key, _UNLOADED) for version in loaded if version.name == name]
    for name in sorted(names - wishes.off):
        own = [version for version in loaded if version.name == name]
        shelf = _shelf(name, [offer for offer in offers if offer.name == name], own, places)
        actions += _plan_one(shelf, wishes.pinned.get(name), wishes.keep, waiting=name in coming)
    return actions


def why_idle(candidate: Candidate, active: str | None, wishes: Wishes) -> str:
    """Return why a complete candidate is not loaded, in a sentence.

    Args:
        candidate: in stage DISCOVERED.
        active: the version that serves in its place, if any.
        wishes: of the operator.
    """
    if candidate.name in wishes.off:
        return _UNLOADED
    pin = wishes.pinned.get(candidate.name)
    if pin is not None and version_key(pin) != version_key(candidate.version):
        return f"complete, but {candidate.name} is pinned to {pin}"
    return f"complete; {active} serves" if active else candidate.reason


@dataclass(frozen=True)
class _Choice:
    """A version of one model that could serve: offered by the folders, or loaded, or both."""

    key: str
    version: str
    path: Path
    offer: Candidate | None
    loaded: Loaded | None

    @property
    def rank(self) -> tuple[tuple[int, ...], bool, Path]:
        return version_key(self.version), self.offer is not None, self.path


@dataclass(frozen=True)
class _Shelf:
    """All of one model, best first.

    `choices` may serve; `spares` are loaded and were replaced on disk: good for a rollback by pin and as standby;
    `removed` are loaded and gone from disk.
    """

    choices: Sequence[_Choice]
    spares: Sequence[_Choice]
    removed: Sequence[Loaded]

    @property
    def active(self) -> Loaded | None:
        all_loaded = [*(choice.loaded for choice in [*self.choices, *self.spares]), *self.removed]
        return next((version for version in all_loaded if version and version.active), None)


def _shelf(
    name: str, offers: Sequence[Candidate], loaded: Sequence[Loaded], places: Mapping[Path, Candidate]
) -> _Shelf:
    by_key = {version.key: version for version in loaded}
    on_disk = {
        offer.key: _Choice(offer.key, offer.version, offer.path, offer, by_key.get(offer.key)) for offer in offers
    }
    held, spares, removed = [], [], []
    for version in [version for version in loaded if version.key not in on_disk]:
        there = [places[path] for path in version.places if path in places]
        choice = _Choice(version.key, version.version, max(version.places, default=Path()), None, version)
        if any(place.stage is not State.DISCOVERED for place in there):
            held.append(choice)
        elif any(place.name == name for place in there):
            spares.append(choice)
        else:
            removed.append(version)
    return _Shelf(_best_first([*on_disk.values(), *held]), _best_first(spares), removed)


def _best_first(choices: Sequence[_Choice]) -> list[_Choice]:
    return sorted(choices, key=lambda choice: choice.rank, reverse=True)


def _plan_one(shelf: _Shelf, pin: str | None, keep: int, *, waiting: bool) -> Sequence[Action]:
    def held(version: Loaded) -> bool:  # by its pin, while another version is there that may not take over
        return pin is not None and bool(shelf.choices) and version_key(version.version) == version_key(pin)

    target = _target(shelf, pin)
    if target is None:
        return [] if waiting else [Unload(one.key, "its YAML was removed") for one in shelf.removed if not held(one)]
    if target.loaded is None:
        return _load(target, shelf, pin)
    if not target.loaded.active:
        return [Activate(target.key, _why(target, shelf.active, pin))]
    others = [choice for choice in shelf.choices if choice is not target]
    standby = [*others, *(spare for spare in shelf.spares if spare is not target)][:keep]
    wanted = {target.key, *(choice.key for choice in standby)}
    gone = [choice.loaded for choice in [*shelf.choices, *shelf.spares] if choice.loaded and choice.key not in wanted]
    return [
        *(Unload(version.key, "its YAML was removed") for version in shelf.removed),
        *(Unload(version.key, f"{target.version} serves in its place") for version in gone),
        *(Load(choice.offer, "to stand by") for choice in standby if choice.offer and not choice.loaded),
    ]


def _target(shelf: _Shelf, pin: str | None) -> _Choice | None:
    if pin is None:
        return shelf.choices[0] if shelf.choices else None
    wanted = version_key(pin)
    return next((c for c in [*shelf.choices, *shelf.spares] if version_key(c.version) == wanted), None)


def _load(target: _Choice, shelf: _Shelf, pin: str | None) -> Sequence[Action]:
    if target.offer is None:  # cannot be: a choice is offered, or loaded, or both
        return []
    all_loaded = [choice for choice in [*shelf.choices, *shelf.spares] if choice.loaded]
    same = any(version_key(choice.version) == version_key(target.version) for choice in all_loaded)
    if same:
        return [Load(target.offer, f"other bytes under version {target.version}", generation=True)]
    return [Load(target.offer, _why(target, shelf.active, pin))]


def _why(target: _Choice, active: Loaded | None, pin: str | None) -> str:
    if pin is not None:
        return f"pinned to {pin}"
    if active is None:
        return "no other version of it serves"
    if version_key(active.version) < version_key(target.version):
        return f"{target.version} is higher than {active.version}"
    return f"it takes the place of {active.version}"
