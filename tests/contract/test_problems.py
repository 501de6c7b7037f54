"""Errors in YAML files as their writer reads them."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from contract.errors import ConfigError
from contract.problems import close_match, describe
from contract.strict import StrictModel, parse_yaml, read_yaml, validate


class Round(StrictModel):
    Shape: Literal["round"]
    Radius: int


class Square(StrictModel):
    Shape: Literal["square"]
    Width: int


class Inner(StrictModel):
    Number: int = 0
    Choice: Literal["a", "b"] = "a"
    Low: int = 0
    High: int = 0

    @model_validator(mode="after")
    def _ordered(self) -> "Inner":
        if self.Low > self.High:
            raise ValueError(f"Low: {self.Low} is above High {self.High}")
        if self.Number == 13:
            raise ValueError("brings bad luck: choose another number")
        return self


class Outer(StrictModel):
    One: Inner = Inner()
    Many: list[Inner] = []
    Maybe: Inner | None = None
    ByName: dict[str, Inner] = {}
    Either: str | list[str] = ""
    Ratio: float = 0.0
    Flag: bool = False
    Off: Literal[-1] | Annotated[int, Field(ge=1, le=9)] = -1
    Drawn: Annotated[Round | Square, Field(discriminator="Shape")] = Round(Shape="round", Radius=1)
    Code: Annotated[str, Field(pattern="^[a-z]$", description="one small letter")] = "a"
    Codes: list[Annotated[str, Field(pattern="^[a-z]$", description="one small letter")]] = []
    Raw: Annotated[str, Field(pattern="^x$")] = "x"


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        validate(Outer, parse_yaml(text, "file.yaml"), "file.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("One: {Number: '5'}", "One.Number: should be a whole number, found '5'"),
        ("One: {Number: 5.0}", "One.Number: should be a whole number, found 5.0"),
        ("One: {Number: yes}", "One.Number: should be a whole number, found true"),
        ("One: {Number:}", "One.Number: should be a whole number, found nothing"),
        ("One: {Choice: c}", "One.Choice: should be 'a' or 'b', found 'c'"),
        ("One: 5", "One: should be a section with keys, found 5"),
        ("One: [1, 2]", "One: should be a section with keys, found a list of 2"),
        ("One: {Nunber: 1}", "One.Nunber: unknown key (did you mean 'Number'?)"),
        ("One: {NUMBER: 1}", "One.NUMBER: unknown key (did you mean 'Number'?)"),
        ("One: {Zzz: 1}", "One.Zzz: unknown key; the keys here are Number, Choice, Low, High"),
        ("Many: {Number: 1}", "Many: should be a list, found a section"),
        ("Many: [{}, {Number: a}]", "Many.1.Number: should be a whole number, found 'a'"),
        ("Many: [{Nummer: 1}]", "Many.0.Nummer: unknown key (did you mean 'Number'?)"),
        ("Maybe: {Number: a}", "Maybe.Number: should be a whole number, found 'a'"),
        ("Maybe: {Numbr: a}", "Maybe.Numbr: unknown key (did you mean 'Number'?)"),
        ("ByName: {x: {Choise: a}}", "ByName.x.Choise: unknown key (did you mean 'Choice'?)"),
        (
            "ByName: {7: {}}",
            "ByName, key 7: should be text, but without quotes YAML takes it for the number 7: put it in quotes",
        ),
        (
            "Either: 2024-01-01",
            "Either: should be text or a list, "
            "but without quotes YAML takes it for the date 2024-01-01: put it in quotes",
        ),
        ("Ratio: 1e-4", "Ratio: should be a number, but YAML takes 1e-4 for text: write 1.0e-4"),
        ("Ratio: 2.5E3", "Ratio: should be a number, but YAML takes 2.5E3 for text: write 2.5e+3"),
        ("Either: [a, no]", "Either.1: should be text, but without quotes YAML takes it for false: put it in quotes"),
        ("Either: {a: b}", "Either: should be text or a list, found a section"),
        ("Ratio: a", "Ratio: should be a number, found 'a'"),
        ("Ratio: .nan", "Ratio: should be a finite number, found nan"),
        ("Flag: 1", "Flag: should be true or false, found 1"),
        ("'Off': 10", "Off: should be -1 or at most 9, found 10"),
        ("'Off': 0", "Off: should be -1 or at least 1, found 0"),
        ("'Off': a", "Off: should be -1 or a whole number, found 'a'"),
        ("Drawn: {Shape: square, Width: a}", "Drawn.Width: should be a whole number, found 'a'"),
        ("Drawn: {Shape: square, Widht: 1, Width: 2}", "Drawn.Widht: unknown key (did you mean 'Width'?)"),
        ("Code: A", "Code: should be one small letter, found 'A'"),
        ("Codes: [a, bc]", "Codes.1: should be one small letter, found 'bc'"),
        ("Raw: y", "Raw: should be text of the form ^x$, found 'y'"),
        ("One: {Low: 3, High: 2}", "One.Low: 3 is above High 2"),
        ("One: {Number: 13}", "One: brings bad luck: choose another number"),
        (
            "One: {5: 6}",
            "One, key 5: should be text, but without quotes YAML takes it for the number 5: put it in quotes",
        ),
        (
            "no: 6",
            "the whole file, key false: should be text, but without quotes YAML takes it for false: put it in quotes",
        ),
    ],
)
def test_a_problem_is_one_plain_sentence(text: str, problem: str) -> None:
    assert problems(text) == (problem,)


def test_the_message_holds_the_file_and_every_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Outer, {"One": {"Number": "a"}, "Two": 2}, "some/file.yaml")
    first, *rest = str(caught.value).splitlines()
    assert first == "some/file.yaml: 2 problems"
    assert rest == [
        "  - One.Number: should be a whole number, found 'a'",
        "  - Two: unknown key; the keys here are " + ", ".join(Outer.model_fields),
    ]


@pytest.mark.parametrize("tree", [None, 5, "text", [1]])
def test_a_file_without_sections_is_refused(tree: object) -> None:
    with pytest.raises(ConfigError, match="should hold sections with keys, found"):
        validate(Outer, tree, "file.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1", "line 1, column 6: expected ',' or ']'"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' stands twice"),
        ("b: {[1]: 2}", "line 1, column 5: found unhashable key"),
        ("a: !!python/object:os.system x", "could not determine a constructor for the tag"),
        ("a: !!bool maybe", "a value does not fit its tag"),
        ("a: !!timestamp maybe", "a value does not fit its tag"),
        ("a: 2024-13-45", "a value does not fit its tag"),
        ("a: &a [*b]", "found undefined alias"),
        ("[" * 5000, "it is nested too deeply"),
        ("a: \0", "special characters are not allowed"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "file.yaml")
    assert caught.value.problems[0].startswith("not valid YAML: ")
    assert problem in caught.value.problems[0]


def test_text_in_another_encoding_is_told() -> None:
    with pytest.raises(ConfigError, match=r"character 4: .*; save the file as UTF-8"):
        parse_yaml("a: \u00e9bc".encode("latin-1"), "file.yaml")


def test_merge_keys_still_work() -> None:
    assert parse_yaml("base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}", "f") == {
        "base": {"x": 1, "y": 2},
        "more": {"x": 1, "y": 3},
    }


def test_a_tree_that_would_be_huge_when_printed_is_described_in_a_few_words() -> None:
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'ha'}]\n" for n in range(20))
    (problem, *_) = problems(f"{laughs}One: *a19")
    assert problem == "One: should be a section with keys, found a list of 9"


@pytest.mark.parametrize("content", ["folder", "absent"])
def test_a_file_that_cannot_be_read_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=f"{content}: 1 problem\n  - cannot be read: "):
        read_yaml(tmp_path / content)


def test_long_values_are_cut() -> None:
    assert len(describe("x" * 1000)) == 60


@pytest.mark.parametrize(
    ("word", "advice"), [("colour", " (did you mean 'Color'?)"), ("zzz", ""), ("SIZE", " (did you mean 'Size'?)")]
)
def test_the_nearest_word_is_advised(word: str, advice: str) -> None:
    assert close_match(word, ["Color", "Size"]) == advice
