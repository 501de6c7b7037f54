"""Both YAML loaders give the same trees, and neither goes down with a file that is made to bring it down."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract import strict
from contract.errors import ConfigError

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | st.binary(max_size=100)
    | st.dates()
    | st.sampled_from(["1.0", "1_000", "0x1F", "yes", "~", "1:30", "=", "<<", "2024-01-01", "line\nline\n"])
)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(texts | st.integers(), inner), max_leaves=8
)


def constructed(text: str) -> list[object]:
    return [strict._construct(make_loader(text)) for make_loader in strict._LOADERS]


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this PyYAML is built without libyaml: there is one loader only")
@given(trees, st.booleans() | st.none())
def test_the_loaders_give_the_same_tree(tree: object, flow: bool | None) -> None:
    fast, exact = constructed(yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True))
    assert fast == exact == tree
    assert repr(fast) == repr(exact)  # 1 and 1.0 and True are equal, and not the same


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a: 1.0\nb: '1.0'\nc: 1e3\nd: .inf\ne: 0o7\nf: 012", {"a": 1.0, "b": "1.0", "c": "1e3", "d": math.inf}),
        ("x: &x {k: [1]}\ny: *x", {"x": {"k": [1]}, "y": {"k": [1]}}),
        ("text: |\n  one\n  two\nfolded: >-\n  one\n  two", {"text": "one\ntwo\n", "folded": "one two"}),
        ("p: !!binary |\n  AAEC\n", {"p": b"\0\1\2"}),
    ],
)
def test_what_people_write_is_read_alike(text: str, tree: dict[str, object]) -> None:
    for found in constructed(text):
        assert isinstance(found, dict)
        assert {key: found[key] for key in tree} == tree


@pytest.mark.parametrize("text", ["- " * 100_000, "? " * 100_000, "{a: " * 50_000], ids=["list", "key", "mapping"])
def test_a_file_that_is_nested_very_deeply_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="it is nested too deeply"):
        strict.parse_yaml(text, "file.yaml")


def test_a_repeated_key_is_found_by_both_loaders() -> None:
    for make_loader in strict._LOADERS:
        with pytest.raises(yaml.constructor.ConstructorError, match="the key 'a' stands twice"):
            strict._construct(make_loader("s: {a: 1, b: 2, a: 3}"))
