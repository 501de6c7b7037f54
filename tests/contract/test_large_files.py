"""Small files that would take long, or fill a log: refused soon, with few words."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import legacy, spec
from contract.errors import ConfigError
from contract.problems import MAX_SENTENCES, describe
from contract.strict import StrictModel, parse_yaml, validate

LIMIT = 20_000  # characters of a message


class Settings(StrictModel):
    Number: int = 0
    Text: str = ""


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        spec.parse(text.encode(), "file.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"Schema: 0x{'f' * 4000}", "line 1, column 9: a number of 4,002 characters"),
        (f"Schema: 1{':59' * 5000}", "a number of 15,001 characters"),
        (f"Schema: {'9' * 5000}", "a number of 5,000 characters"),
        (f"Schema: {'9' * 5000}.5", "a number of 5,002 characters"),
        ("".join(f"k{n}: 1\n" for n in range(40_000)), "line 15001, column 1: more than 30,000 values"),
        ("'%': 1\n" + "".join(f"k{n}: 1\n" for n in range(16_000)), "line 15001, column 1: more than 30,000 values"),
        (
            f"a0: &a0 {{{', '.join(f'k{n}: 1' for n in range(50))}}}\n"
            + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10)),
            "more than 30,000 keys",
        ),
    ],
)
def test_too_much_is_told_with_its_place(text: str, reason: str) -> None:
    message = refusal(text)
    assert "too much for a file of settings" in message
    assert reason in message


def test_of_many_problems_the_first_are_told_and_the_number_of_the_others() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Settings, {f"k{number}": 1 for number in range(5000)}, "file.yaml")
    *first, last = caught.value.problems
    assert [problem.partition(":")[0] for problem in first] == [f"k{number}" for number in range(MAX_SENTENCES)]
    assert last == "and 4,980 more"


def test_as_many_problems_as_are_told_have_no_more() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Settings, {f"k{number}": 1 for number in range(MAX_SENTENCES)}, "file.yaml")
    assert len(caught.value.problems) == MAX_SENTENCES


@pytest.mark.parametrize("text", [f"? {'k' * 100_000}\n: 1", f"a: *{'b' * 100_000}", f"a: !{'t' * 100_000} b"])
def test_a_long_word_is_cut_in_the_message(text: str) -> None:
    assert len(refusal(text)) < LIMIT


@pytest.mark.parametrize("value", [16**4000, -(10**5000), 10**200], ids=["4001-digits", "negative", "201-digits"])
def test_a_number_that_python_does_not_print_is_described(value: int) -> None:
    assert len(describe(value)) == 60
    with pytest.raises(ConfigError, match="Text: should be text, but without quotes YAML takes it for the number"):
        validate(Settings, {"Text": value}, "file.yaml")


def test_a_section_of_a_model_may_have_a_character_set_of_thousands() -> None:
    symbols = [chr(number) for number in range(0x4E00, 0x4E00 + 20_992)]
    assert parse_yaml(yaml.safe_dump({"CharSet": symbols}, allow_unicode=True), "f") == {"CharSet": symbols}


NUMBERS = st.one_of(
    st.integers(),
    st.integers(1, 6000).map(lambda digits: f"0x{'e' * digits}"),
    st.integers(1, 3000).map(lambda parts: "1" + ":59" * parts),
    st.integers(1, 6000).map(lambda digits: "9" * digits),
    st.sampled_from([".inf", ".nan", "1e999", "0b1", "0o7", "1_000", "2024-02-30", "0001-01-01"]),
    st.sampled_from(["!!int x", "!!float x", "!!set {a}", "!!binary ä", "!!timestamp 1", "!!omap [a: 1]"]),
)
SECTIONS = ["Schema", "Model", "Graph", "Pretreatment", "Golden", "Metrics", "System", "FieldParam"]
INNER = ["ModelName", "Version", "CharSet", "Sites", "ImageWidth", "File", "SHA256", "MaxLabelNum", "Resize", "Picture"]
KEYS = st.sampled_from([*SECTIONS, *INNER])


def as_yaml(tree: Any) -> str:
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{key}: {as_yaml(value)}' for key, value in tree.items())}}}"
    return f"[{', '.join(map(as_yaml, tree))}]" if isinstance(tree, list) else str(tree)


TREES = st.recursive(
    NUMBERS | st.sampled_from(["", "text", "'1.0'", "true", "!!binary aGk="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | NUMBERS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_values_in_the_form_of_yaml_are_read_or_refused(tree: dict[str, Any]) -> None:
    text = "\n".join(f"{key}: {as_yaml(value)}" for key, value in tree.items())
    assert len(outcome(spec.parse, text)) < LIMIT
    assert len(outcome(legacy.parse, text)) < LIMIT


def outcome(read: Callable[[bytes, str], object], text: str) -> str:
    try:
        read(text.encode(), "file.yaml")
    except ConfigError as error:
        return str(error)
    return ""
