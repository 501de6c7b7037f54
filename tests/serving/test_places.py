from pathlib import Path

import pytest

from serving.places import doubts_of, places_of
from serving.policy import Loaded
from serving.repository import Candidate
from serving.states import State
from tests.serving.rig import spec_of

X, Y = Path("x.yaml"), Path("y.yaml")
GOOD, NEW, BAD = State.DISCOVERED, State.SETTLING, State.REJECTED


def there(path: Path, name: str = "a", key: str = "k", stage: State = GOOD) -> Candidate:
    return Candidate(key, name, path, stage, f"{path} is {stage}", spec_of(name, "1.0"))


def loaded(*places: Path) -> list[Loaded]:
    return [Loaded("k", "a", "1.0", frozenset(places), active=True)]


PLACES = {
    "where it was": ([there(X)], {X}, ""),
    "a renamed file takes its version along": ([there(Y)], {Y}, ""),
    "a copy is a place too": ([there(X), there(Y)], {X, Y}, ""),
    "a file of no use leaves it the place": (
        [there(X, key="junk", stage=BAD)],
        {X},
        "x.yaml has changed and is of no use: x.yaml is rejected",
    ),
    "a file that changes just now is in no doubt": ([there(X, key="other", stage=NEW)], {X}, ""),
    "another version of the model will replace it": ([there(X, key="other")], {X}, ""),
    "another model's file takes the place": ([there(X, "b", key="other")], set(), ""),
    "another model's file takes one of two places": (
        [there(X, "b", key="other"), there(Y, key="junk", stage=BAD)],
        {Y},
        "y.yaml has changed and is of no use: y.yaml is rejected",
    ),
    "nothing is left of it": ([], set(), ""),
    "its successor cannot serve": ([there(Path("z.yaml"), key="other", stage=BAD)], set(), "its YAML was removed"),
    "its successor is on its way": ([there(Path("z.yaml"), key="other")], set(), ""),
    "its graph is damaged": ([there(X, stage=BAD)], {X}, "x.yaml is rejected"),
    "its graph is damaged, and it is renamed": ([there(Y, stage=BAD)], {Y}, "y.yaml is rejected"),
}


@pytest.mark.parametrize(("candidates", "places", "doubt"), PLACES.values(), ids=PLACES.keys())
def test_a_version_is_followed(candidates: list[Candidate], places: set[Path], doubt: str) -> None:
    before = loaded(X, Y)
    assert places_of(before, candidates) == {"k": places}
    assert doubts_of(loaded(*places), candidates) == {"k": doubt}
