"""Where loaded versions lie on disk at this moment, and which of them could not be loaded again. Pure functions."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from serving.policy import Loaded
from serving.repository import Candidate
from serving.states import State

_MOVING = {State.DISCOVERED, State.SETTLING}


def places_of(loaded: Sequence[Loaded], candidates: Sequence[Candidate]) -> dict[str, frozenset[Path]]:
    """Return by key the YAMLs that loaded versions lie in, or lay in and that nobody else uses.

    A YAML that is renamed or copied takes its version along. A file of no use, and another version of the same model,
    leave the place to the version that lay there; another model's YAML takes it, and so does nothing at all.

    Args:
        loaded: with their places so far.
        candidates: all that the folders offer, complete or not.
    """
    there = {candidate.path: candidate for candidate in candidates}
    places: dict[str, set[Path]] = defaultdict(set)
    for candidate in candidates:
        places[candidate.key].add(candidate.path)
    for version in loaded:
        places[version.key] |= {path for path in version.places if _left_to(version, there.get(path))}
    return {version.key: frozenset(places[version.key]) for version in loaded}


def doubts_of(loaded: Sequence[Loaded], candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return by key why loaded versions could not be loaded again, in a sentence; empty if they could.

    What is about to change, to be replaced or to go is in no doubt yet.

    Args:
        loaded: with their places of this moment.
        candidates: all that the folders offer, complete or not.
    """
    by_key = {candidate.key: candidate for candidate in candidates}
    by_path = {candidate.path: candidate for candidate in candidates}
    stuck = {candidate.name for candidate in candidates if candidate.stage not in _MOVING}
    doubts = {}
    for version in loaded:
        itself = by_key.get(version.key)
        if itself:
            doubts[version.key] = "" if itself.stage in _MOVING else itself.reason
        elif version.places:
            doubts[version.key] = _doubt_of_replaced([by_path[path] for path in sorted(version.places)])
        else:
            doubts[version.key] = "its YAML was removed" if version.name in stuck else ""
    return doubts


def _left_to(version: Loaded, there: Candidate | None) -> bool:
    return there is not None and (there.stage is not State.DISCOVERED or there.name == version.name)


def _doubt_of_replaced(others: Sequence[Candidate]) -> str:
    if any(other.stage in _MOVING for other in others):
        return ""
    return f"{others[0].file} has changed and is of no use: {others[0].reason}"
