"""The model YAML: written and read back, and everything that must be refused."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract import spec
from contract.errors import ConfigError
from contract.measured import GoldenPicture
from contract.spec import ModelSpec

DIGEST = "0123456789abcdef" * 4
MISREAD = [
    "0042",
    "no",
    "off",
    "y",
    "1e5",
    "1_000",
    "~",
    "null",
    "true",
    ".inf",
    "12:30",
    "2024-01-01",
    "0x1F",
    "",
    " ",
]
UGLY = ["\u00e9\u6f22\U0001f600", "it's", 'a"b', "#x", "a: b", "- a", "\n\t\r\0", " a\n b ", "\x85", "\u2028", "\ufeff"]

words = st.sampled_from(MISREAD + UGLY) | st.text(max_size=12)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
sides = st.integers(1, 4096)
shares = st.floats(0, 1)


def tree(**changes: Any) -> dict[str, Any]:
    """A small valid spec with some keys changed; `Section__Key` goes one deep, None takes a key away."""
    result: dict[str, Any] = {
        "Model": {"ModelName": "demo", "CharSet": "NUMERIC", "ImageWidth": 160, "ImageHeight": 60},
        "Graph": {"File": "demo.pb", "SHA256": DIGEST},
    }
    for path, value in changes.items():
        *sections, key = path.split("__")
        place = result
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return result


def parse(content: dict[str, Any] | str) -> ModelSpec:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    return spec.parse(text.encode(), "demo.yaml")


def problems(content: dict[str, Any] | str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(content)
    return caught.value.problems


@st.composite
def specs(draw: st.DrawFn) -> ModelSpec:
    members = draw(st.lists(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12, unique=True))
    model = {
        "ModelName": draw(names),
        "Version": draw(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}", fullmatch=True)),
        "ModelType": draw(words),
        "Sites": draw(st.lists(words, max_size=3)),
        "CharSet": draw(st.sampled_from(["NUMERIC", "ALPHANUMERIC", members])),
        "CharReplace": draw(st.dictionaries(words.filter(bool), words, max_size=3)),
        "ImageWidth": draw(sides),
        "ImageHeight": draw(sides),
    }
    pretreatment = {
        "ReplaceTransparent": draw(st.booleans()),
        "ImageChannel": draw(st.sampled_from([1, 3])),
        "Binaryzation": draw(st.just(-1) | st.integers(1, 254)),
        "Resize": draw(st.none() | st.lists(sides, min_size=2, max_size=2)),
        "Fit": draw(st.sampled_from(["stretch", "pad"])),
    }
    metrics = {
        "Accuracy": draw(shares),
        "AccuracyInterval": draw(st.lists(shares, min_size=2, max_size=2)),
        "CharacterErrorRate": draw(st.floats(0, 9)),
        "Pictures": draw(st.integers(1, 10**6)),
        "Dataset": draw(st.sampled_from([DIGEST, "0" * 64, "1e5" + "0" * 61])),
    }
    golden = st.fixed_dictionaries({"Picture": st.binary(max_size=200), "Text": words})
    return ModelSpec.model_validate(
        {
            "Model": model,
            "Pretreatment": pretreatment,
            "Graph": {
                "File": f"{draw(names)}.pb",
                "SHA256": draw(st.sampled_from([DIGEST, "1" * 64])),
                **draw(st.sampled_from([{}, {"Head": "fixed", "MaxLabelNum": 4}])),
            },
            "Metrics": draw(st.none() | st.just(metrics)),
            "Golden": draw(st.lists(golden, max_size=8)),
        }
    )


@given(specs())
def test_what_is_written_is_read_back(written: ModelSpec) -> None:
    assert spec.parse(spec.dump(written), "demo.yaml") == written


@given(specs())
def test_any_yaml_reader_sees_the_same_texts(written: ModelSpec) -> None:
    assert yaml.safe_load(spec.dump(written)) == written.model_dump(exclude_none=True)


@pytest.mark.parametrize("text", MISREAD + UGLY)
def test_a_text_is_never_taken_for_something_else(text: str, tmp_path: Path) -> None:
    written = parse(tree(Golden=[{"Picture": b"\x89PNG", "Text": text}]))
    spec.write(written, tmp_path / "demo.yaml")
    assert spec.read(tmp_path / "demo.yaml").Golden == [GoldenPicture(Picture=b"\x89PNG", Text=text)]
    if text in MISREAD:
        assert f"Text: '{text}'".encode() in spec.dump(written)


def test_a_small_spec_has_the_documented_defaults() -> None:
    small = parse(tree())
    assert (small.Schema, small.Model.Version, small.Graph.Layout, small.Graph.Head) == (1, "1.0", "nhwc-uint8", "ctc")
    assert (small.Graph.Input, small.Graph.Logits, small.Graph.Decoded) == ("input:0", "logits:0", "dense_decoded:0")
    assert small.Pretreatment.ReplaceTransparent
    assert small.input_size == (160, 60)
    assert parse(tree(Pretreatment={"Resize": [150, 50]})).input_size == (150, 50)


def test_a_fixed_head_tells_its_positions() -> None:
    assert parse(tree(Graph__Head="fixed", Graph__MaxLabelNum=4)).Graph.MaxLabelNum == 4
    assert b"MaxLabelNum" not in spec.dump(parse(tree()))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"Head": "fixed"}, "Graph.MaxLabelNum: missing; a fixed head has that many positions"),
        ({"MaxLabelNum": 4}, "Graph.MaxLabelNum: only a fixed head has positions; a ctc head has frames"),
        ({"Head": "fixed", "MaxLabelNum": 65}, "Graph.MaxLabelNum: should be at most 64, found 65"),
        (
            {"Head": "fixed", "MaxLabelNum": 4, "Layout": "captcha-trainer-v2-fixed"},
            "Graph.Head: of the layout captcha-trainer-v2-fixed it is known; leave the key out",
        ),
    ],
)
def test_head_and_positions_go_together(keys: dict[str, Any], problem: str) -> None:
    assert problems(tree(**{f"Graph__{key}": value for key, value in keys.items()})) == (problem,)


def test_a_version_that_yaml_takes_for_a_number_is_refused_with_the_reason() -> None:
    (problem,) = problems(
        "Model: {ModelName: a, Version: 1.10, CharSet: ab, ImageWidth: 1, ImageHeight: 1}\n"
        f"Graph: {{File: a.pb, SHA256: {DIGEST}}}"
    )
    assert problem == (
        "Model.Version: should be text, but without quotes YAML takes it for the number 1.1 "
        "(1.10 and 1.1 are the same then): put it in quotes"
    )


@pytest.mark.parametrize("version", ["", "1.", "v1", "1.x", "1.2.3.4.5", "-1", "1 ", "1\n", "\u0661", "1" * 10])
def test_a_version_is_dotted_whole_numbers(version: str) -> None:
    (problem,) = problems(tree(Model__Version=version))
    assert problem.startswith("Model.Version: should be up to four whole numbers with dots, such as '1.10', found ")


def test_versions_are_compared_number_by_number() -> None:
    shuffled = ["1.10", "2.0", "1.0.1", "10.0", "1.9", "0.9", "1.10.0.1", "1", "1.2"]
    ascending = ["0.9", "1", "1.0.1", "1.2", "1.9", "1.10", "1.10.0.1", "2.0", "10.0"]
    assert sorted(shuffled, key=spec.version_key) == ascending
    assert spec.version_key("1.0") == spec.version_key("1") == spec.version_key("01.0.0")
    assert parse(tree(Model__Version="1.10")).Model.version == (1, 10)


def test_all_problems_are_told_at_once_with_their_keys() -> None:
    wrong = tree(
        Schema=2,
        Model__ModelName="a b",
        Model__CharSet="NUMRIC",
        Model__CharExclude=["0", 1],
        Model__ImageWith=3,
        Pretreatment__Resize=[150],
        Pretreatment__Binaryzation=255,
        Graph__SHA256="ABC",
        Golden=[{"Picture": b"", "Text": "1", "Txt": ""}],
        Metric={},
    )
    del wrong["Model"]["ImageWidth"]
    assert problems(wrong) == (
        "Schema: should be 1, found 2",
        "Model.ModelName: should be at most 100 letters, digits, '.', '_' and '-', the first a letter or digit, "
        "found 'a b'",
        "Model.CharSet: 'NUMRIC' is no built-in set: did you mean NUMERIC? (for just these symbols, give a list)",
        "Model.CharExclude.1: should be text, but without quotes YAML takes it for the number 1: put it in quotes",
        "Model.ImageWidth: missing",
        "Model.ImageWith: unknown key (did you mean 'ImageWidth'?)",
        "Pretreatment.Binaryzation: should be -1 or at most 254, found 255",
        "Pretreatment.Resize: should be a list of at least 2, found a list of 1",
        "Graph.SHA256: should be a SHA-256 of 64 digits 0-9 and a-f, found 'ABC'",
        "Golden.0.Txt: unknown key (did you mean 'Text'?)",
        "Metric: unknown key (did you mean 'Metrics'?)",
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Model__CharExclude": list("0123456789")}, "Model.CharExclude: no symbol is left"),
        ({"Model__CharReplace": {"": "x"}}, "Model.CharReplace: the text to be replaced is empty"),
        (
            {"Model__CharSet": "AB", "Model__CaseSensitive": False},
            "Model.CaseSensitive: false folds labels to lower case",
        ),
        ({"Model__CharSet": "aa"}, "Model.CharSet: symbols stand twice: a"),
    ],
)
def test_a_character_set_that_cannot_be_is_told_at_its_key(change: dict[str, Any], problem: str) -> None:
    (found,) = problems(tree(**change))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "name", ["../a.pb", "a/b.pb", "a\\b.pb", "C:a.pb", ".a.pb", "a.pbx", "a", ".pb", "a\n.pb", "/a.pb", ""]
)
def test_the_graph_is_a_file_in_the_graph_folder(name: str) -> None:
    (problem,) = problems(tree(Graph__File=name))
    assert problem.startswith("Graph.File: should be the name of a .pb file, without a folder")


@pytest.mark.parametrize("count", [1, 8])
def test_golden_pictures_may_fill_64_kib(count: int) -> None:
    full = [{"Picture": bytes(65536 // count), "Text": "1"}] * count
    assert len(parse(tree(Golden=full)).Golden) == count


@pytest.mark.parametrize("sizes", [[65537], [65536, 1], [1] * 9])
def test_more_golden_pictures_are_refused(sizes: list[int]) -> None:
    (problem,) = problems(tree(Golden=[{"Picture": bytes(size), "Text": "1"} for size in sizes]))
    assert problem == f"Golden: {len(sizes)} pictures of {sum(sizes):,} bytes; at most 8 of 65,536 bytes in all"


@pytest.mark.parametrize("section", ["Model", "Graph", "Pretreatment", "Metrics"])
def test_no_section_takes_unknown_keys(section: str) -> None:
    assert any(f"{section}.Colour: unknown key" in problem for problem in problems(tree(**{f"{section}__Colour": 1})))


def test_a_key_that_stands_twice_is_refused_at_every_depth() -> None:
    assert problems("Model: {}\nGraph: {}\nModel: {}") == (
        "not valid YAML: line 3, column 1: the key 'Model' stands twice",
    )
    assert "the key 'File' stands twice" in problems("Graph: {File: a.pb, File: b.pb}")[0]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
def test_numbers_are_finite(number: str) -> None:
    (problem,) = problems(
        spec.dump(parse(tree())).decode() + "Metrics: {Accuracy: 1, AccuracyInterval: [0, 1], "
        f"CharacterErrorRate: {number}, Pictures: 1, Dataset: {DIGEST}}}"
    )
    assert problem.startswith("Metrics.CharacterErrorRate: should be a finite number")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: 1 problem\n  - cannot be read: No such file"):
        spec.read(tmp_path / "absent.yaml")


def test_a_huge_file_is_not_parsed() -> None:
    with pytest.raises(ConfigError, match="1,048,577 bytes are too many"):
        spec.parse(b"#" * (spec.MAX_SPEC_BYTES + 1), "demo.yaml")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_config_error(content: bytes) -> None:
    with pytest.raises(ConfigError):
        spec.parse(content, "demo.yaml")


@given(st.integers(0, 200), st.binary(max_size=3))
def test_a_damaged_spec_is_read_or_a_config_error(position: int, junk: bytes) -> None:
    whole = spec.dump(parse(tree()))
    damaged = whole[:position] + junk + whole[position + len(junk) :]
    with contextlib.suppress(ConfigError):
        assert spec.parse(damaged, "demo.yaml").Schema == 1
