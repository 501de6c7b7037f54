"""Built-in sets against the table of captcha_trainer, folding, and text to classes and back."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import chinese
from contract.charset import BLANK, BUILT_IN, Charset, build
from contract.errors import CharsetError, SymbolError

NUMBER = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ARITHMETIC = "()+-\N{MULTIPLICATION SIGN}\N{DIVISION SIGN}="

CHINESE = "".join(dict.fromkeys(chinese.EARLY))  # in it one symbol stands twice

TABLE = {
    "NUMERIC": (NUMBER, 10),
    "ALPHANUMERIC": (NUMBER + LOWER + UPPER, 62),
    "ALPHANUMERIC_LOWER": (NUMBER + LOWER, 36),
    "ALPHANUMERIC_UPPER": (NUMBER + UPPER, 36),
    "ALPHABET_LOWER": (LOWER, 26),
    "ALPHABET_UPPER": (UPPER, 26),
    "ALPHABET": (LOWER + UPPER, 52),
    "ARITHMETIC": (NUMBER + ARITHMETIC, 17),
    "ALPHANUMERIC_LOWER_MIX_ARITHMETIC": (NUMBER + LOWER + ARITHMETIC, 43),
    "FLOAT": (NUMBER + ".", 11),
    "CHINESE_3500": (CHINESE, 3499),
    "ALPHANUMERIC_LOWER_MIX_CHINESE_3500": (NUMBER + LOWER + CHINESE, 3535),
}

symbols = st.lists(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30, unique=True)


@pytest.mark.parametrize("name", TABLE)
def test_built_in_sets_have_members_and_order_of_the_table(name: str) -> None:
    members, count = TABLE[name]
    assert build(name).symbols == tuple(members)
    assert build(name).classes == count + 1


@pytest.mark.parametrize(
    ("listed", "count", "digest"),
    [
        (chinese.EARLY, 3500, "54f0383945c3fa50c7b24f550b51eebbbe8f8f953e583f438bc486e10aec95ca"),
        (chinese.LATER, 3513, "eacbdb0acdbc946a5c91cba98fcd2f3a20959a92950efb9ce000a2f9f63803e3"),
    ],
)
def test_the_chinese_sets_are_those_of_captcha_trainer(listed: str, count: int, digest: str) -> None:
    assert len(listed) == count
    assert hashlib.sha256("\n".join(listed).encode()).hexdigest() == digest  # of the originals, taken from them


def test_the_official_list_has_each_character_once() -> None:
    assert len(chinese.OFFICIAL) == len(set(chinese.OFFICIAL)) == 3500
    assert (chinese.OFFICIAL[0], chinese.OFFICIAL[2499:2501], chinese.OFFICIAL[-1]) == ("一", "罐匕", "矗")


def test_there_are_no_other_built_in_sets() -> None:
    assert set(BUILT_IN) == set(TABLE)


@pytest.mark.parametrize(
    ("charset", "case_sensitive", "folded"),
    [
        ("ALPHANUMERIC", True, "aB9"),
        ("ALPHANUMERIC", False, "ab9"),
        ("ALPHANUMERIC_LOWER", True, "ab9"),
        ("ALPHANUMERIC_UPPER", True, "AB9"),
        ("ALPHANUMERIC_UPPER", False, "AB9"),
        ("ALPHABET_LOWER", True, "ab9"),
        ("ALPHABET_UPPER", True, "AB9"),
        ("ALPHANUMERIC_LOWER_MIX_ARITHMETIC", True, "ab9"),
        ("aBb9", True, "aB9"),
        ("ab9", False, "ab9"),
        (list("aBb9"), True, "aB9"),
    ],
)
def test_labels_are_folded_by_name_and_case_sensitive(
    charset: str | list[str], case_sensitive: bool, folded: str
) -> None:
    assert build(charset, case_sensitive=case_sensitive).fold("aB9") == folded


def test_replacement_comes_before_folding() -> None:
    charset = build("ALPHANUMERIC_LOWER", replace={"O": "0", "ss": "S"})
    assert charset.fold("OoSss") == "0oss"


def test_a_folded_label_is_not_folded_again() -> None:
    charset = build("ALPHANUMERIC_LOWER", replace={"o": "0"})
    folded = charset.fold("AbO1")
    assert folded == "abo1"
    assert charset.decode(charset.encode(folded)) == folded


def test_replacements_are_applied_in_their_order() -> None:
    assert build("abc", replace={"a": "b", "b": "c"}).fold("ab") == "cc"


def test_excluded_symbols_leave_no_gap() -> None:
    charset = build("NUMERIC", exclude=["0", "5", "x"])
    assert charset.symbols == tuple("12346789")
    assert charset.encode("19") == (1, 8)
    with pytest.raises(SymbolError):
        charset.encode("5")


@given(symbols, st.data())
def test_text_comes_back_from_its_classes(members: list[str], data: st.DataObject) -> None:
    charset = build(members)
    text = data.draw(st.text(st.sampled_from(members)))
    classes = charset.encode(text)
    assert charset.decode(classes) == text
    assert all(BLANK < index < charset.classes for index in classes)


@given(st.lists(st.integers(0, 10)))
def test_blanks_are_left_out(classes: list[int]) -> None:
    assert build("NUMERIC").decode(classes) == "".join(str(index - 1) for index in classes if index)


def test_a_string_and_a_list_are_the_same_set() -> None:
    assert build("xyz") == build(["x", "y", "z"]) == Charset(("x", "y", "z"))


def test_symbols_outside_the_set_are_named_once_each_in_order() -> None:
    with pytest.raises(SymbolError, match=r"'a\?b\?!' .* '\?' '!'$") as caught:
        build("ALPHABET").encode("a?b?!")
    assert caught.value.symbols == ("?", "!")


@pytest.mark.parametrize(
    ("charset", "exclude", "replace", "case_sensitive", "message"),
    [
        ("NUMRIC", [], {}, True, "CharSet: 'NUMRIC' is no built-in set: did you mean NUMERIC?"),
        ("alphanumeric_lower", [], {}, True, "CharSet: .*did you mean ALPHANUMERIC_LOWER?"),
        ("KANJI_2136", [], {}, True, "CharSet: .*the built-in ones are NUMERIC, ALPHANUMERIC, "),
        ("", [], {}, True, "CharSet: is empty"),
        ([], [], {}, True, "CharSet: is empty"),
        ("abca", [], {}, True, "CharSet: symbols stand twice: a$"),
        (["ab", "c", ""], [], {}, True, "CharSet: a symbol is one character: 'ab', ''"),
        ("ab", ["a", "b"], {}, True, "CharExclude: no symbol is left"),
        ("NUMERIC", ["01"], {}, True, "CharExclude: a symbol is one character: '01'"),
        ("ab", [], {"": "a"}, True, "CharReplace: the text to be replaced is empty"),
        ("1aAB", [], {}, False, "CaseSensitive: .* so that B could never be read"),
    ],
)
def test_a_set_that_cannot_be_is_refused_with_the_key_that_is_wrong(
    charset: str | list[str], exclude: list[str], replace: dict[str, str], case_sensitive: bool, message: str
) -> None:
    with pytest.raises(CharsetError, match=f"^{message}"):
        build(charset, exclude, replace, case_sensitive=case_sensitive)
