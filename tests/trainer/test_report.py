"""The report: every picture that was read wrong is on it, it needs nothing but itself, and browsers like it."""

import io
import math
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contract.measured import AcceptLine, MetricsSection
from tests.conftest import Artifact, small_config
from trainer.cli.root import main
from trainer.evaluation.accept import accept_table
from trainer.evaluation.charts import tick_labels
from trainer.evaluation.confusion import align, by_symbol, errors_of, pairs_of
from trainer.evaluation.history import Reading, to_csv
from trainer.evaluation.metrics import edit_distance
from trainer.evaluation.report import Item, Report, render, render_suspects
from trainer.run import run_of
from trainer.training import assessment, lineage
from trainer.training.lineage import Doubt, Lineage

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

TEXTS = st.text("ab1", max_size=6)


def picture(seed: int, size: tuple[int, int] = (160, 60), kind: str = "PNG") -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1] // 6, size[0] // 6, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size).save(buffer, kind)
    return buffer.getvalue()


def report(errors: int = 30, right: int = 200) -> Report:
    """A report on a reader that confuses letters, drops some and adds others."""
    rng = np.random.default_rng(5)
    symbols = np.array(list("0123456789abcdefghijklmnopqrstuvwxyz中 <&"))
    items = []
    for number in range(right + errors):
        label = text = "".join(rng.choice(symbols, rng.integers(3, 7)))
        if number < errors:
            place, symbol = rng.integers(len(label)), rng.choice(symbols)
            text = [label[:place] + symbol + label[place + 1 :], label[:place] + label[place + 1 :], label + symbol][
                number % 3
            ]
        kind = ("PNG", "JPEG", "GIF", "WEBP", "BMP")[number % 5]
        items.append(
            Item(f"set/<b>{label}</b>_{number:03}.png", label, text, rng.random() ** 0.2, picture(1, kind=kind))
        )
    history = [
        Reading(79 * n, n, 12.0 / n**2, 11.0 / n**2, 1 - 0.5 / n, 0.4 / n, 0.002, 60.0 * n) for n in range(1, 10)
    ]
    accept = accept_table([item.confidence for item in items], [item.text == item.label for item in items])
    facts = [("network", "CNN5, " * 20), ("versions", "python 3.11")]
    return Report("a model, version 1.0", items, accept, history, facts, suspects=items[:4])


class Resources(HTMLParser):
    """Collects what a page would load, and whether its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.cards: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "link", "img"}:
            self.open.append(tag)
        if tag == "figure":
            self.cards.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "figure" in self.open:
            self.cards[-1] += data + "\n"


def test_the_page_needs_nothing_but_itself_and_is_whole() -> None:
    page = Resources(render(report()))
    assert page.open == []
    assert all(source.startswith("data:") for source in page.loaded)
    kinds = {source.partition(";")[0] for source in page.loaded}
    assert {"data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp", "data:image/bmp"} <= kinds


def test_every_error_is_shown_the_confident_first_with_its_name_escaped() -> None:
    given_report = report()
    page = render(given_report)
    wrong = [item for item in given_report.items if item.text != item.label]
    assert len(given_report.errors) == len(wrong) > 20
    cards = Resources(page).cards[: len(wrong)]
    shown = [float(found[1]) for card in cards if (found := re.search(r"([\d.]+)%", card))]
    assert shown == sorted(shown, reverse=True)
    assert sorted(card.strip().splitlines()[-1] for card in cards) == sorted(item.name for item in wrong)
    assert "set/<b>" not in page


def test_suspects_have_a_page_before_there_is_a_model() -> None:
    suspects = report().suspects
    text = render_suspects("a <model>", "4 labels to doubt", suspects)
    page = Resources(text)
    assert page.open == []
    assert sum(source.startswith("data:image/") for source in page.loaded) == len(suspects)
    assert "<title>a &lt;model&gt;</title>" in text
    assert [card.strip().splitlines()[-1] for card in page.cards] == [item.name for item in suspects]
    assert "Labels to doubt" not in render_suspects("none", "0 labels to doubt", [])


def test_pages_stay_small_enough_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.evaluation.report.PICTURE_BYTES", 3 * len(picture(1)))
    page = render(report())
    assert "no picture" in page
    assert page.count("<figure>") == len(report().errors) + 4


def test_a_perfect_reader_and_one_picture_have_a_report() -> None:
    item = Item("a.png", "12", "12", 1.0, b"")
    page = render(Report("perfect", [item], accept_table([1.0], [True])))
    assert "100.00%" in page
    assert "None." in page
    assert "svg" not in page.split("</style>")[1]


def test_an_exported_model_older_than_the_training_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artifact: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(yaml.safe_dump(small_config().model_dump()), "utf-8")
    run = run_of(small_config().Model)
    run.make()
    spec = artifact.write(run.folder, run.stem)
    run.history.write_text(to_csv(report().history), "utf-8")
    item = Item("a.png", "12", "12", 1.0, b"")
    monkeypatch.setattr("trainer.dataset.pack.prepare", lambda *_: None)
    monkeypatch.setattr("trainer.training.assessment.read_test_set", lambda *_: [item])
    monkeypatch.setattr("trainer.training.assessment.doubt", lambda *_: Doubt((), 1))
    monkeypatch.setattr("trainer.training.suspicion.recall", lambda *_: [])
    for later, told in ((-10, 0), (10, 1)):
        trained = spec.stat().st_mtime_ns + later * 10**9
        os.utime(run.history, ns=(trained, trained))
        assert main(["report", "small.yaml"]) == 0
        said = "".join(capsys.readouterr())
        assert said.count("is older than the training in") == told
        assert run.report.read_text("utf-8").count("older than this training") == told


class Packed:
    """A set as far as doubts look at it, whose only test picture was learned from by `LEARNED`."""

    fingerprint = "0" * 64
    counts: ClassVar = {"test": 1}
    manifest = SimpleNamespace(
        Pictures=[SimpleNamespace(Name="a.png", Side="test", SHA256="ab" * 32, Pixels="cd" * 32)], Excluded=[]
    )


LEARNED = Lineage(Decided={}, Pictures=[], Donors=["cd" * 16], Unknown=[])


@pytest.mark.parametrize(("learned", "told"), [(True, True), (False, False)])
def test_a_score_of_pictures_that_were_learned_from_is_told_and_not_published(
    learned: bool,
    told: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    artifact: Artifact,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(yaml.safe_dump(small_config().model_dump()), "utf-8")
    run = run_of(small_config().Model)
    run.make()
    metrics = MetricsSection(
        Accuracy=1, AccuracyInterval=[0.2, 1], CharacterErrorRate=0, Pictures=1, Dataset=Packed.fingerprint
    )
    path = replace(artifact, spec=artifact.spec.model_copy(update={"Metrics": metrics})).write(run.folder, run.stem)
    before = path.read_bytes()
    lineage.write(run.pictures, LEARNED if learned else LEARNED.model_copy(update={"Donors": []}))
    monkeypatch.setattr("trainer.dataset.pack.prepare", lambda *_: Packed)
    item = Item("a.png", "12", "12", 1.0, b"")
    monkeypatch.setattr("trainer.training.assessment.read_test_set", lambda *_: [item])
    monkeypatch.setattr("trainer.training.suspicion.recall", lambda *_: [])
    for command in ("evaluate", "report"):
        assert main([command, "small.yaml"]) == 0
        said = capsys.readouterr().err
        assert ("warning: these weights have learned from 1 of the 1 test pictures (a.png)" in said) == told
        assert (f"--exclude {run.learned.as_posix()}" in said) == told
    assert ("Warning: " in run.report.read_text("utf-8")) == told
    assert (path.read_bytes() == before) == told
    os.utime(path, ns=(0, 0))  # the training has gone on: of the older model the set is known, if it is the same
    run.config.write_text("begun", "utf-8")
    assert not assessment.doubt(run, Packed)  # type: ignore[arg-type] # as much of a set as is looked at
    monkeypatch.setattr(Packed, "fingerprint", "1" * 64)
    assert "of an earlier training" in str(assessment.doubt(run, Packed))  # type: ignore[arg-type] # as above


def test_a_loss_that_is_no_number_is_left_out_of_the_chart() -> None:
    broken = replace(report(), history=[*report().history, replace(report().history[-1], step=999, loss=math.nan)])
    page = render(broken)
    assert "nan" not in page.split("<h2>Which")[0].split("</style>")[1]
    assert page.count("<circle") == 2 * len(report().history)


@pytest.mark.parametrize(("accuracy", "shown"), [(1.0, {"100", "99"}), (0.0, {"0", "1"})])
def test_a_share_that_never_changes_is_drawn_within_its_bounds(accuracy: float, shown: set[str]) -> None:
    history = [replace(line, accuracy=accuracy) for line in report().history]
    chart = render(replace(report(), history=history)).split("<svg")[1]
    ticks = re.findall(r'text-anchor="end">([-\d.]+)</text>', chart)
    assert shown <= set(ticks)
    assert all(0 <= float(tick) <= 100 for tick in ticks[:5])


@given(TEXTS, TEXTS)
def test_aligned_pairs_spell_both_texts_with_the_fewest_edits(label: str, text: str) -> None:
    pairs = align(label, text)
    assert "".join(left for left, _ in pairs) == label
    assert "".join(right for _, right in pairs) == text
    assert sum(left != right for left, right in pairs) == edit_distance(label, text)


def test_symbols_and_confusions_are_counted() -> None:
    pairs = pairs_of(["aab", "b"], ["aac", ""])
    assert errors_of(pairs) == {("b", "c"): 1, ("b", ""): 1}
    assert by_symbol(pairs) == {"b": (0, 2), "a": (2, 2)}


def test_the_accept_table_counts_what_each_threshold_lets_through() -> None:
    lines = accept_table([0.2, 0.9, 0.95, 1.0], [False, False, True, True], thresholds=(0.0, 0.9, 0.95, 1.0))
    assert lines == [
        AcceptLine(Confidence=0.0, Accepted=1.0, Right=0.5),
        AcceptLine(Confidence=0.9, Accepted=0.75, Right=0.666667),
        AcceptLine(Confidence=0.95, Accepted=0.5, Right=1.0),
        AcceptLine(Confidence=1.0, Accepted=0.25, Right=1.0),
    ]
    assert accept_table([0.2], [True], thresholds=(0.5,)) == [AcceptLine(Confidence=0.5, Accepted=0.0, Right=None)]


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome is installed")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_it_without_a_complaint(width: int, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    probe = (  # what a phone's user would notice: a page wider than the screen, or a picture that did not load
        "<script>addEventListener('load',()=>{const root=document.documentElement;"
        "root.dataset.seen=[root.scrollWidth>innerWidth,[...document.images].filter(i=>!i.naturalWidth).length]})</script>"
    )
    page.write_text(render(report()).replace("</body>", f"{probe}</body>"), "utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    options = ["--enable-logging=stderr", "--v=0", f"--window-size={width},2000", "--dump-dom", page.as_uri()]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120, check=True)
    assert 'data-seen="false,0"' in done.stdout
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 50.0, 100.0], ["0", "50", "100"]),
        ([97.46, 97.49, 97.57], ["97.46", "97.49", "97.57"]),  # with three digits the first two would be one
        ([5.0, 5.0], ["5", "5"]),
    ],
)
def test_the_ticks_of_an_axis_can_be_told_apart(values: list[float], labels: list[str]) -> None:
    assert tick_labels(values) == labels
