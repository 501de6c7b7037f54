import io

import pytest
from rich.console import Console

from trainer import progress
from trainer.progress import Progress, Silent, Terminal


def heard(*, terminal: bool) -> tuple[Progress, io.StringIO]:
    file = io.StringIO()
    return Terminal(Console(file=file, force_terminal=terminal, width=100, highlight=False)), file


def work(reporter: Progress) -> None:
    with reporter.steps("Working", 4) as steps:
        steps.advance(3)
        steps.note("loss 0.5 [x]")
        steps.advance()


def test_elsewhere_than_on_a_terminal_there_is_one_line_at_the_end() -> None:
    reporter, file = heard(terminal=False)
    work(reporter)
    (line,) = file.getvalue().splitlines()
    assert line.startswith("Working: 4/4, ")
    assert line.endswith("pictures/s  loss 0.5 [x]")


def test_long_work_has_lines_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0)
    reporter, file = heard(terminal=False)
    work(reporter)
    assert [line.split(",")[0] for line in file.getvalue().splitlines()] == [
        "Working: 3/4",
        "Working: 4/4",
        "Working: 4/4",
    ]


def test_a_terminal_has_a_bar_with_a_note() -> None:
    reporter, file = heard(terminal=True)
    work(reporter)
    assert "Working" in file.getvalue()
    assert "4/4" in file.getvalue()
    assert "loss 0.5 [x]" in file.getvalue()


def test_sentences_are_kept_as_they_are() -> None:
    reporter, file = heard(terminal=False)
    sentence = "a [bold]long[/bold] sentence " + "word " * 40
    reporter.say(sentence)
    assert file.getvalue() == sentence + "\n"


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    work(Silent())
    Silent().say("x")
    assert capsys.readouterr() == ("", "")
