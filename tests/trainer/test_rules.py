"""One planted fault per rule, and a good set in which nothing is found."""

import dataclasses
from typing import Any

import pytest

from contract import charset as charsets
from trainer.config import NeuralNetSection
from trainer.config.system import SystemSection
from trainer.dataset.alphabet import fitting_charset
from trainer.dataset.examine import Facts
from trainer.dataset.findings import SHOWN, Entry, Finding, Severity, Side
from trainer.dataset.rules import check, frames_needed
from trainer.dataset.target import Target

TARGET = Target(
    charset=charsets.build("NUMERIC"),
    neural_net=NeuralNetSection(),
    picture_size=(48, 16),
    input_width=48,
    test_set_num=None,
    split_here=True,
    regexes={"train": ".*?(?=_)", "test": ".*?(?=-)"},
)


def entry(name: str, label: str | None, side: Side = "train", **facts: Any) -> Entry:
    digest = facts.pop("pixels", name)
    given = {"sha256": name, "size": (48, 16), "pixels_sha256": digest}
    return Entry(name, label, Facts(**(given | facts)), side)


GOOD = [entry(f"{number}.png", f"{number:04}") for number in range(0, 10_000, 7)]


def found(extra: list[Entry], **target: Any) -> list[Finding]:
    return check([*GOOD, *extra], dataclasses.replace(TARGET, **target))


def only(extra: list[Entry], rule: str, severity: Severity = Severity.ERROR, **target: Any) -> Finding:
    findings = found(extra, **target)
    assert [(finding.rule, finding.severity) for finding in findings] == [(rule, severity)]
    return findings[0]


@pytest.mark.parametrize(("asked", "left"), [(1428, 1), (1000, 429)])
def test_more_to_test_than_to_train_on_is_told(asked: int, left: int) -> None:
    finding = only([], "test-set", Severity.WARNING, test_set_num=asked)
    assert f"TestSetNum {asked:,} leaves {left:,} of {len(GOOD):,} pictures to train on" in finding.sentence


def test_nothing_is_found_in_a_good_set() -> None:
    assert found([]) == []


def test_unreadable_pictures() -> None:
    bad = entry("bad.png", "1", size=None, pixels_sha256="", problem="the picture is damaged")
    finding = only([bad, dataclasses.replace(bad, name="worse.png")], "unreadable")
    assert finding.text == (
        "2 pictures cannot be read [bad.png: the picture is damaged; worse.png: the picture is damaged]"
    )


def test_names_without_a_label() -> None:
    finding = only([entry("a.png", None)], "no-label")
    assert finding.sentence == "System.TrainRegex '.*?(?=_)' finds no label in 1 file name"


def test_names_of_the_test_path_without_a_label() -> None:
    assert "TestRegex '.*?(?=-)'" in only([entry("a.png", None, "test")], "no-label", split_here=False).sentence


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"TestPath": "b", "TestSetNum": 5, "TestRegex": "x"}, "System.TestSetNum counts nothing beside TestPath"),
        ({"TestRegex": "x"}, "System.TestRegex counts nothing without TestPath"),
    ],
)
def test_keys_that_decide_nothing(section: dict[str, Any], expected: str) -> None:
    finding = only([], "idle-key", Severity.WARNING, idle=SystemSection(TrainsPath="a", **section).idle)
    assert finding.sentence.startswith(expected)


@pytest.mark.parametrize("section", [{"TestPath": "b", "TestRegex": "x"}, {"TestSetNum": 5}])
def test_keys_that_decide_something(section: dict[str, Any]) -> None:
    assert SystemSection(TrainsPath="a", **section).idle == ()


def test_empty_labels() -> None:
    assert "1 picture with an empty label" in only([entry("a.png", "")], "empty-label").text


def test_one_label_for_all_is_told() -> None:
    alike = [entry(f"img_{number}.png", "12") for number in range(20)]
    findings = {finding.rule: finding for finding in check(alike, TARGET)}
    assert findings["one-label"].severity is Severity.WARNING
    assert "every picture has the label '12'" in findings["one-label"].sentence


def test_labels_that_replacement_empties() -> None:
    assert only([entry("a.png", "x")], "empty-label", charset=charsets.build("NUMERIC", replace={"x": ""}))


def test_symbols_outside_the_charset() -> None:
    finding = only([entry("a.png", "12a"), entry("b.png", "bb")], "unknown-symbol")
    assert finding.sentence.startswith("2 labels with symbols outside the character set: a b; ")
    assert finding.places[0].detail == "'12a' has 'a'"
    assert "CharSet: '0123456789ab'" in finding.sentence


def test_symbols_are_looked_up_after_folding() -> None:
    findings = found([entry("a.png", "aBcD")], charset=charsets.build("ALPHANUMERIC_LOWER"))
    assert "unknown-symbol" not in [finding.rule for finding in findings]


@pytest.mark.parametrize(
    ("text", "needed"), [("", 0), ("1", 1), ("12", 2), ("11", 3), ("1122", 6), ("111", 5), ("1212", 4)]
)
def test_frames_needed(text: str, needed: int) -> None:
    assert frames_needed(text) == needed


def test_labels_too_long_for_ctc() -> None:
    fits, does_not = entry("a.png", "123456789012"), entry("b.png", "1123456789012")  # 48 pixels give 12 frames
    finding = only([fits, does_not], "too-long")
    assert [place.name for place in finding.places] == ["b.png"]
    assert finding.places[0].detail == "'1123456789012' needs 14"
    assert "a width of 48 pixels gives 12 frames" in finding.sentence
    assert "the smallest width that fits is 53" in finding.sentence  # ceil(53 / 4) = 14


def test_labels_too_long_for_a_fixed_head() -> None:
    net = NeuralNetSection(Head="CrossEntropy", MaxLabelNum=4)
    finding = only([entry("a.png", "1123"), entry("b.png", "123456")], "too-long", neural_net=net)
    assert [(place.name, place.detail) for place in finding.places] == [("b.png", "6 symbols")]
    assert "1 label with more than the 4 symbols of NeuralNet.MaxLabelNum; the longest has 6" in finding.sentence
    assert "frame" not in finding.sentence


def test_the_same_picture_with_different_labels() -> None:
    twins = [entry("a.png", "1", pixels="p"), entry("b.png", "2", pixels="p"), entry("c.png", "1", pixels="p")]
    finding = only(twins, "contradiction")
    assert [place.name for place in finding.places] == ["a.png", "b.png", "c.png"]
    assert "'1' and '2'" in finding.places[0].detail


def test_copies_with_the_same_label_are_no_contradiction_but_worth_a_word_where_they_are_many() -> None:
    twins = [entry("a.png", "1", pixels="p"), entry("b.png", "1", pixels="p")]
    assert found(twins) == []
    (finding,) = [one for one in check([*GOOD[:98], *twins], TARGET) if one.rule == "copies"]
    assert [(place.name, place.detail) for place in finding.places] == [("b.png", "as a.png")]
    assert (finding.severity, "99 differ" in finding.sentence) == (Severity.WARNING, True)


def test_pictures_on_both_sides() -> None:
    twins = [entry("a.png", "1", pixels="p"), entry("b.png", "1", "test", pixels="p")]
    finding = only(twins, "leak", split_here=False)
    assert [(place.name, place.detail) for place in finding.places] == [("b.png", "as a.png")]


@pytest.mark.parametrize(
    ("pictures", "asked", "wrong"), [(1, None, True), (2, None, False), (9, 9, True), (9, 8, False)]
)
def test_a_test_set_that_leaves_nothing(pictures: int, asked: int | None, wrong: bool) -> None:
    target = dataclasses.replace(TARGET, test_set_num=asked)
    findings = check(GOOD[:pictures], target)
    assert (("test-set", Severity.ERROR) in [(finding.rule, finding.severity) for finding in findings]) == wrong


def test_a_test_path_of_its_own_may_have_any_size() -> None:
    target = dataclasses.replace(TARGET, test_set_num=1000, split_here=False)
    assert "test-set" not in [finding.rule for finding in check(GOOD[:1], target)]


def test_other_sizes_are_a_warning_with_a_histogram() -> None:
    finding = only([entry("a.png", "1", size=(50, 20))], "other-size", Severity.WARNING)
    assert f"48x16: {len(GOOD):,}, 50x20: 1" in finding.sentence


def test_animations_are_an_error_unless_a_frame_is_chosen() -> None:
    extra = [entry("a.gif", "1", animated=True)]
    assert "Pretreatment.AnimatedFrame" in only(extra, "animated").sentence
    assert found(extra, frame=0) == []


def test_rare_and_unused_symbols_are_warnings() -> None:
    charset = charsets.build("0123456789ab")
    findings = found([entry("a.png", "a")], charset=charset)
    assert [finding.rule for finding in findings] == ["rare-symbol", "unused-symbol"]
    assert "a (1)" in findings[0].sentence
    assert "no label has: b;" in findings[1].sentence
    assert found([entry("a.png", "a")], charset=charset, drawn=True) == []  # they are drawn while training


def test_a_large_charset_does_not_fill_the_screen() -> None:
    charset = charsets.build("0123456789" + "".join(chr(0x4E00 + index) for index in range(3500)))
    assert found([], charset=charset)[0].text.endswith("and 3,460 more; CharExclude can leave them out")


def test_errors_come_first_and_long_lists_are_cut() -> None:
    extra = [entry(f"wide {index}.png", "1", size=(9, 9)) for index in range(9)] + [entry("x.png", "")]
    findings = found(extra)
    assert [finding.rule for finding in findings] == ["empty-label", "other-size"]
    assert findings[1].text.endswith(f"and {9 - SHOWN} more]")


@pytest.mark.parametrize(
    ("symbols", "charset"),
    [
        ("0123456789", "NUMERIC"),
        ("12345678", "NUMERIC"),
        ("1234567", "1234567"),
        ("0123456789.", "FLOAT"),
        ("2345678bcdefgmnpwxy", "2345678bcdefgmnpwxy"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "ALPHANUMERIC_LOWER"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ALPHABET_UPPER"),
        ("1_a", ["1", "_", "a"]),
    ],
)
def test_the_fitting_charset(symbols: str, charset: str | list[str]) -> None:
    assert fitting_charset(symbols) == charset
    assert set(symbols) <= set(charsets.build(charset).symbols)
