from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.spec import version_key
from serving.policy import Action, Activate, Load, Loaded, Unload, Wishes, plan
from serving.repository import Candidate
from serving.states import State
from tests.serving.rig import spec_of


def offer(name: str, version: str, file: str = "", stage: State = State.DISCOVERED, key: str = "") -> Candidate:
    path = Path(f"{file or f'{name}-{version}'}.yaml")
    return Candidate(key or f"{name} {version}", name, path, stage, "", spec_of(name, version))


def live(name: str, version: str, file: str = "", *, active: bool = True, key: str = "") -> Loaded:
    places = frozenset({Path(f"{file or f'{name}-{version}'}.yaml")})
    return Loaded(key or f"{name} {version}", name, version, places, active)


def short(actions: list[Action]) -> list[str]:
    return [f"{type(a).__name__} {a.candidate.key if isinstance(a, Load) else a.key}" for a in actions]


BROKEN = [State.SETTLING, State.WAITING_FOR_GRAPH, State.REJECTED, State.FAILED]
A1, A2, A10 = offer("a", "1.0"), offer("a", "2.0"), offer("a", "10.0")

TABLE = {
    "nothing": ([], [], Wishes(), []),
    "the first version is loaded": ([A1], [], Wishes(), ["Load a 1.0"]),
    "the highest of several is loaded": ([A2, A10, A1], [], Wishes(), ["Load a 10.0"]),
    "what is loaded is made active": ([A1], [live("a", "1.0", active=False)], Wishes(), ["Activate a 1.0"]),
    "what serves is left alone": ([A1], [live("a", "1.0")], Wishes(), []),
    "a successor is loaded first": ([A1, A2], [live("a", "1.0")], Wishes(), ["Load a 2.0"]),
    "then made active": (
        [A1, A2],
        [live("a", "1.0"), live("a", "2.0", active=False)],
        Wishes(),
        ["Activate a 2.0"],
    ),
    "then the old one goes": (
        [A1, A2],
        [live("a", "1.0", active=False), live("a", "2.0")],
        Wishes(),
        ["Unload a 1.0"],
    ),
    "one is kept": ([A1, A2], [live("a", "1.0", active=False), live("a", "2.0")], Wishes(keep=1), []),
    "one is loaded to stand by": ([A1, A2, A10], [live("a", "10.0")], Wishes(keep=1), ["Load a 2.0"]),
    "a removed one goes": ([], [live("a", "1.0")], Wishes(), ["Unload a 1.0"]),
    "a removed one waits for its successor": ([A1], [live("a", "2.0")], Wishes(), ["Load a 1.0"]),
    "a replaced one waits for its successor": (
        [offer("a", "1.0", "x")],
        [live("a", "2.0", "x")],
        Wishes(),
        ["Load a 1.0"],
    ),
    "a replaced one goes behind it": (
        [offer("a", "1.0", "x")],
        [live("a", "2.0", "x", active=False), live("a", "1.0", "x")],
        Wishes(),
        ["Unload a 2.0"],
    ),
    "another model in its place removes it": (
        [offer("b", "1.0", "x")],
        [live("a", "1.0", "x")],
        Wishes(),
        ["Unload a 1.0", "Load b 1.0"],
    ),
    "a pin decides": ([A1, A2], [live("a", "2.0")], Wishes({"a": "1"}), ["Load a 1.0"]),
    "a pin to nothing loads nothing": ([A1], [], Wishes({"a": "7"}), []),
    "a pin to nothing keeps what serves": ([A1], [live("a", "1.0")], Wishes({"a": "7"}), []),
    "a pinned one that is removed serves while another is there that may not": (
        [A2],
        [live("a", "1.0")],
        Wishes({"a": "1"}),
        [],
    ),
    "a pinned one that is removed goes with the last": ([], [live("a", "1.0")], Wishes({"a": "1"}), ["Unload a 1.0"]),
    "another than the pinned one goes as ever": ([A2], [live("a", "1.0")], Wishes({"a": "7"}), ["Unload a 1.0"]),
    "a pin brings back what was replaced on disk": (
        [offer("a", "2.0", "x")],
        [live("a", "1.0", "x", active=False), live("a", "2.0", "x")],
        Wishes({"a": "1.0"}, keep=1),
        ["Activate a 1.0"],
    ),
    "models do not mix": ([A1, offer("b", "2.0")], [live("a", "1.0")], Wishes(), ["Load b 2.0"]),
    "one version twice: the later path": (
        [offer("a", "1.0", "x", key="x"), offer("a", "1.0", "y", key="y")],
        [live("a", "1.0", "x", key="x")],
        Wishes(),
        ["Load y"],
    ),
    "the same bytes twice are one": (
        [offer("a", "1.0", "x", key="k"), offer("a", "1.0", "y", key="k")],
        [live("a", "1.0", "x", key="k")],
        Wishes(),
        [],
    ),
}


@pytest.mark.parametrize(("candidates", "loaded", "wishes", "expected"), TABLE.values(), ids=TABLE.keys())
def test_plan(candidates: list[Candidate], loaded: list[Loaded], wishes: Wishes, expected: list[str]) -> None:
    assert short(plan(candidates, loaded, wishes)) == expected


@pytest.mark.parametrize("stage", BROKEN)
def test_a_file_of_no_use_in_its_place_keeps_a_version(stage: State) -> None:
    lower = offer("a", "1.0", "y")
    assert plan([offer("unreadable", "3.0", "x", stage), lower], [live("a", "2.0", "x")], Wishes()) == []


@pytest.mark.parametrize("stage", BROKEN)
def test_a_removed_version_serves_until_its_successor_can(stage: State) -> None:
    coming = offer("a", "2.0", "new", stage)
    assert plan([coming], [live("a", "1.0", "old")], Wishes()) == []
    assert short(plan([coming, offer("b", "1.0")], [live("a", "1.0", "old"), live("b", "1.0")], Wishes())) == []
    ready = replace(coming, stage=State.DISCOVERED)
    assert short(plan([ready], [live("a", "1.0", "old")], Wishes())) == ["Load a 2.0"]
    assert short(plan([offer("b", "1.0", stage=stage)], [live("a", "1.0", "old")], Wishes())) == ["Unload a 1.0"]


@pytest.mark.parametrize("stage", BROKEN)
def test_only_complete_versions_are_loaded(stage: State) -> None:
    assert short(plan([offer("a", "2.0", stage=stage), A1], [], Wishes())) == ["Load a 1.0"]


def test_other_bytes_of_one_version_are_a_generation() -> None:
    (load,) = plan([offer("a", "1.0", "x", key="new")], [live("a", "1.0", "x", key="old")], Wishes())
    assert isinstance(load, Load)
    assert load.generation
    assert load.candidate.key == "new"


versions = st.sampled_from(["1", "1.0", "1.9", "1.10", "2.0"])
files = st.sampled_from("xyz")
names = st.sampled_from("ab")
stages = st.sampled_from([State.DISCOVERED, State.DISCOVERED, *BROKEN])
offers = st.builds(lambda n, v, f, s: offer(n, v, f, s, key=f"{n}{v}{f}"), names, versions, files, stages)
lives = st.builds(lambda n, v, f: live(n, v, f, active=False, key=f"{n}{v}{f}"), names, versions, files)


@given(
    st.lists(offers, max_size=4, unique_by=lambda candidate: candidate.path),
    st.lists(lives, max_size=5, unique_by=lambda loaded: loaded.key),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_plans_end_and_a_model_that_serves_never_stops_in_between(
    candidates: list[Candidate], loaded: list[Loaded], first_active: int, keep: int
) -> None:
    world = {version.key: version for version in loaded}
    for name in "ab":
        own = [version for version in loaded if version.name == name]
        if own:
            _activate(world, own[min(first_active, len(own) - 1)].key)
    serving = _serving(world)
    for _ in range(30):
        actions = plan(candidates, list(world.values()), Wishes(keep=keep))
        if not actions:
            break
        _carry_out(world, actions[0])
        for name, key in serving.items():
            gone = isinstance(actions[0], Unload) and actions[0].key == key
            assert name in _serving(world) or (gone and not _offered(candidates, name))
        serving = _serving(world)
    else:
        pytest.fail(f"still {actions}")
    for name in "ab":
        if best := _offered(candidates, name):
            assert version_key(world[serving[name]].version) >= max(map(version_key, best))
            assert sum(version.name == name for version in world.values()) <= 1 + keep


def _offered(candidates: list[Candidate], name: str) -> list[str]:
    return [c.version for c in candidates if c.name == name and c.stage is State.DISCOVERED]


def _serving(world: dict[str, Loaded]) -> dict[str, str]:
    return {version.name: key for key, version in world.items() if version.active}


def _activate(world: dict[str, Loaded], key: str) -> None:
    for other in [version for version in world.values() if version.name == world[key].name]:
        world[other.key] = replace(other, active=other.key == key)


def _carry_out(world: dict[str, Loaded], action: Action) -> None:
    match action:
        case Load(candidate=found):
            places = frozenset({found.path})
            world[found.key] = Loaded(found.key, found.name, found.version, places, active=False)
        case Activate(key=key):
            _activate(world, key)
        case Unload(key=key):
            del world[key]
