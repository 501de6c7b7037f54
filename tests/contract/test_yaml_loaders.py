"""What YAML is does not depend on libyaml: where its loader is taken, it gives the same trees as PyYAML's own.

And neither goes down with a file that is made to bring it down.
"""

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import spec, strict
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


WRITTEN = [
    "Model:\n  Version: '1.10'\n  CharSet: [a, 'b', \"c\\n\"]\n  CharReplace: {a: b, \"c\": 'd'}\n",
    "Golden:\n- Picture: !!binary |\n    AAEC\n  Text: abcd # note\n",
    "a: 1.0\nb: |\n  one\n  two\nc: >-\n  one\n\n  two\n",
    "x: &x {k: [1, 2,3]}\ny: *x\nz: {<<: *x, q: 1}\n",
    "- [a, {b: c}, 'it''s', \"\\u00e9\\x41\"]\n- ? k\n  : v\n- ~\n",
    "%YAML 1.1\n---\nk: plain\n  goes on\n# comment\nl: http://x:80/y#z\n...\n",
]
PIECES = [
    *("\t", " ", "\n", "\r", "\n  ", "\x85", "\u2028", "\ufeff", "\x7f", "\ue000", "\U0001f600"),
    *("!", "! ", "!!str ", "!!binary ", "!<x> ", "%", "&x ", "*x", "#", " #", "|", ">", "|2", "|-\n", "---\n", "...\n"),
    *(":", ": ", "-", "- ", "?", "? ", ",", "[", "]", "{", "}", "'", '"', "\\", "@", "`", "~", "=", "<<", "1", "a"),
]
places = st.integers(0, 150)
changes = st.lists(st.tuples(places, st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=4)
REFUSED = "refused"


def constructed(text: str | bytes) -> list[object]:
    return [strict._construct(make_loader(text)) for make_loader in strict._LOADERS]


def outcome(text: str | bytes) -> str:
    """What parse_yaml gives; as its repr, for 1 and 1.0 and True are equal, and not the same."""
    try:
        return repr(strict.parse_yaml(text, "file.yaml"))
    except ConfigError:
        return REFUSED


def without_libyaml(text: str | bytes) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict, "_LOADERS", strict._LOADERS[-1:])
        return outcome(text)


@given(trees, st.booleans() | st.none())
def test_the_loaders_give_the_same_tree(tree: object, flow: bool | None) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True)
    assert outcome(text) == without_libyaml(text)
    assert strict.parse_yaml(text, "file.yaml") == tree


@settings(max_examples=400)
@given(st.sampled_from(WRITTEN), changes)
def test_what_yaml_is_does_not_depend_on_libyaml(text: str, edits: list[tuple[int, int, str]]) -> None:
    for place, dropped, piece in edits:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + dropped :]
    assert outcome(text) == without_libyaml(text)
    assert outcome(text.encode()) == without_libyaml(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "CharSet: NUMERIC\t# digits\n",
        "Size: [1,\t2]\n",
        "Version: !\n",
        "Version: !!str\n",
        "Sites: [a?, b]\n",
        "%YAML 1.1#\n---\na: b\n",
        "a: |#\n",
        "a: >-#\n",
        "a:\n\ufeffb\n",
        "a: >-#\n".encode("utf-16"),
    ],
)
def test_text_that_libyaml_reads_in_its_own_way_is_not_left_to_it(text: str | bytes) -> None:
    assert outcome(text) == without_libyaml(text)


def test_golden_pictures_are_read_by_the_fast_loader() -> None:
    tree = {
        "Model": {"ModelName": "a", "CharSet": ["a", "\u00e9"], "ImageWidth": 9, "ImageHeight": 9},
        "Graph": {"File": "a.pb", "SHA256": "0" * 64},
        "Golden": [{"Picture": bytes(range(256)), "Text": "a\u00e9"}],
    }
    assert strict._reads_alike(spec.dump(spec.ModelSpec.model_validate(tree)))


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
