"""Symbols of captcha_trainer's models keep the order of their classes."""

from pathlib import Path
from typing import Any

import pytest

from contract import chinese
from tests.contract.test_legacy import ARITHMETIC, DIGEST, EARLY, LATER, LOWER, NUMBER, UPPER, problems, read, symbols


@pytest.mark.parametrize(
    ("charset", "exclude", "members"),
    [
        ("NUMERIC", [], NUMBER),
        ("ALPHANUMERIC", [], NUMBER + LOWER + UPPER),
        ("ALPHANUMERIC_LOWER", ["o", "0"], (NUMBER + LOWER).replace("o", "").replace("0", "")),
        ("ALPHANUMERIC_UPPER", [], NUMBER + UPPER),
        ("ALPHABET_LOWER", [], LOWER),
        ("ALPHABET_UPPER", [], UPPER),
        ("ALPHABET", [], LOWER + UPPER),
        ("ARITHMETIC", [], NUMBER + ARITHMETIC),
        ("ALPHANUMERIC_LOWER_MIX_ARITHMETIC", [], NUMBER + LOWER + ARITHMETIC),
        ("FLOAT", [], NUMBER + "."),
        (["b", "a", "b"], [], "bab"),
        (["b", "a", "b"], ["a"], "bb"),
    ],
)
def test_early_symbols_have_the_order_of_the_classes(charset: Any, exclude: list[str], members: str) -> None:
    assert symbols(read(EARLY, Model__CharSet=charset, Model__CharExclude=exclude)) == members


@pytest.mark.parametrize(
    ("category", "members"),
    [
        ("ARITHMETIC", NUMBER + ARITHMETIC + "?"),
        ("ARITHMETIC_MIX_ALPHA_LOWER", NUMBER + ARITHMETIC + "?" + LOWER),
        ("FLOAT", NUMBER + "."),
        (["red", "blue"], "redblue"),
        ([1, "a"], "1a"),
    ],
)
def test_later_symbols_have_the_order_of_the_classes(category: Any, members: str) -> None:
    assert symbols(read(LATER, FieldParam__Category=category)) == members


@pytest.mark.parametrize(
    ("charset", "case_sensitive", "folded"),
    [
        ("ALPHANUMERIC", True, "aB"),
        ("ALPHANUMERIC", False, "ab"),
        ("ALPHANUMERIC_LOWER", True, "ab"),
        ("ALPHANUMERIC_UPPER", True, "AB"),
        ("ALPHANUMERIC_UPPER", False, "AB"),
    ],
)
def test_early_labels_are_folded_by_name(charset: str, case_sensitive: bool, folded: str) -> None:
    model = read(EARLY, Model__CharSet=charset, Model__CaseSensitive=case_sensitive)
    assert model.with_graph(DIGEST).charset.fold("aB") == folded


def test_a_symbol_that_stands_twice_keeps_both_classes() -> None:
    charset = read(EARLY, Model__CharSet=["x", "y", "x"]).with_graph(DIGEST).charset
    assert charset.decode([1, 2, 3]) == "xyx"
    assert charset.encode("xy") == (3, 2)  # the last one counts, as in training


def test_symbols_may_stand_in_a_file_beside_the_yaml(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes("\ufeff\u4e00\r\n\u4e59\r\n \r\n\r\n".encode())
    assert symbols(read(EARLY, tmp_path, Model__CharSet="mine.txt")) == "\u4e00\u4e59 "
    assert symbols(read(LATER, tmp_path, FieldParam__Category="mine.txt")) == "\u4e00\u4e59 "


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent.txt", "Model.CharSet: absent.txt cannot be read: No such file"),
        ("../mine.txt", "Model.CharSet: ../mine.txt: give the name of a file beside this one"),
        ("gbk.txt", "Model.CharSet: gbk.txt is not in UTF-8"),
        ("empty.txt", "Model.CharSet: an empty symbol, or none at all"),
    ],
)
def test_a_file_of_symbols_must_be_there_and_readable(name: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "gbk.txt").write_bytes("\u4e00\n\u4e59".encode("gbk"))
    (tmp_path / "empty.txt").write_bytes(b"\n\n")
    (found,) = problems(EARLY, tmp_path, Model__CharSet=name)
    assert found.startswith(problem)


@pytest.mark.parametrize("given", [EARLY, LATER])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CHINESE_3500", chinese.EARLY),
        ("ALPHANUMERIC_LOWER_MIX_CHINESE_3500", NUMBER + LOWER + chinese.EARLY),
        ("CHS_3500", chinese.LATER),
        ("ALPHANUMERIC_CHS_3500_LOWER", NUMBER + LOWER + chinese.LATER),
        ("ALPHANUMERIC_MIX_CHS_3500_LOWER", NUMBER + LOWER + chinese.LATER),
    ],
)
def test_the_chinese_sets_keep_the_order_of_the_classes(given: str, name: str, expected: str, tmp_path: Path) -> None:
    key = "Model__CharSet" if given is EARLY else "FieldParam__Category"
    charset = read(given, tmp_path, **{key: name}).model.charset
    assert "".join(charset.symbols) == expected
    assert charset.case == ("lower" if "LOWER" in name else "keep")
    # As in the originals: the symbol that stands twice is trained as the last of its classes, and both are read as it.
    twice = expected.rindex("了") + 1
    assert charset.encode("了") == (twice,)
    assert charset.decode([expected.index("了") + 1, twice]) == "了了"


def test_a_set_that_is_not_built_in_asks_for_its_file(tmp_path: Path) -> None:
    (found,) = problems(LATER, tmp_path, FieldParam__Category="DOCUMENT_OCR")
    assert "the set DOCUMENT_OCR is not built in: put its 5,980 symbols into DOCUMENT_OCR.txt beside this" in found
    listed = [chr(0x4E00 + number) for number in range(5980)]
    (tmp_path / "DOCUMENT_OCR.txt").write_text("\n".join(listed[1:]), "utf-8")
    (found,) = problems(LATER, tmp_path, FieldParam__Category="DOCUMENT_OCR")
    assert found.endswith("DOCUMENT_OCR.txt holds 5,979 symbols; in captcha_trainer DOCUMENT_OCR has 5,980")
    (tmp_path / "DOCUMENT_OCR.txt").write_text("\n".join(listed), "utf-8")
    assert symbols(read(LATER, tmp_path, FieldParam__Category="DOCUMENT_OCR")) == "".join(listed)
