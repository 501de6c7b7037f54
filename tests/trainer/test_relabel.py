"""Labels in doubt are proposed, edited and given back; pictures keep their names, and every other label stays."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import config as configs
from trainer.cli.root import main
from trainer.dataset import sources
from trainer.dataset.scan import scan
from trainer.errors import UsageError
from trainer.evaluation.relabel import Proposal, corrected, from_csv, label_file, to_csv

WritePictures = Callable[[Path, Iterable[str]], list[Path]]

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.lists(st.builds(Proposal, NAMES, NAMES, NAMES, st.sampled_from([0.0, 0.25, 1.0]))))
def test_proposals_survive_their_csv(proposals: list[Proposal]) -> None:
    assert from_csv(to_csv(proposals), "test") == proposals


def test_a_spreadsheet_may_add_a_mark_and_drop_columns() -> None:
    assert from_csv("\ufefffile,label\r\na.png,12\r\n", "test") == [Proposal("a.png", "12")]
    with pytest.raises(UsageError, match="'label' is missing"):
        from_csv("file,text\na.png,1\n", "test")
    with pytest.raises(UsageError, match="test, line 2: could not convert"):
        from_csv("file,label,confidence\na.png,1,high\n", "test")


def test_corrections_take_their_place_and_empty_ones_take_pictures_out() -> None:
    labels = {"a": "1", "b": "2", "c": "3"}
    assert corrected(labels, [Proposal("b", "9"), Proposal("c", "")]) == {"a": "1", "b": "9"}
    with pytest.raises(UsageError, match=r"1 pictures are not in the set .*'z' first"):
        corrected(labels, [Proposal("z", "1")])


@given(st.dictionaries(NAMES.filter(lambda name: name != "file"), NAMES, min_size=1))
def test_a_label_file_is_read_as_it_was_written(labels: dict[str, str]) -> None:
    assert [(line["file"], line["label"]) for line in csv.DictReader(io.StringIO(label_file(labels.items())))] == list(
        labels.items()
    )


def test_spaces_of_a_label_come_back(tmp_path: Path) -> None:
    (tmp_path / " a.png").touch()
    (tmp_path / "labels.csv").write_text(label_file([(" a.png", " 1 2")]), "utf-8")
    (sample,) = sources.read(tmp_path / "labels.csv", re.compile("x"), sources.Ignored())
    assert sample.label == " 1 2"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-o", "labels.txt"], "has to end in .csv"),
        (["-o", "set.csv"], "set.csv is where the config has its labels from"),
        (["-o", "set.csv", "--force"], "set.csv is where the config has its labels from"),
        (["-o", "other.csv"], "other.csv exists: give another name with -o, or --force"),
        (["-o", "other.csv", "--force"], ""),
    ],
)
def test_no_file_of_a_person_is_replaced(
    words: list[str],
    reason: str,
    tmp_path: Path,
    write_pictures: WritePictures,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = write_pictures(Path("pictures"), [f"{number:04}_x.png" for number in range(0, 10_000, 250)])
    rows = [(path.as_posix(), path.name[:4]) for path in pictures]
    Path("set.csv").write_text(label_file(rows), "utf-8")
    assert main(["init", "set.csv", "-o", "tiny.yaml", "--name", "tiny"]) == 0
    Path("mine.csv").write_text("file,label\npictures/0250_x.png,7777\n", "utf-8")
    Path("other.csv").write_text("mine", "utf-8")
    before = Path("set.csv").read_bytes()
    assert main(["relabel", "tiny.yaml", "mine.csv", *words]) == (2 if reason else 0)
    assert reason in capsys.readouterr().err
    assert Path("set.csv").read_bytes() == before
    assert (Path("other.csv").read_text("utf-8") == "mine") == bool(reason)


@pytest.fixture
def proposed(tmp_path: Path, write_pictures: WritePictures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty pictures in the working folder, and tiny.yaml for them."""
    monkeypatch.chdir(tmp_path)
    write_pictures(Path("pictures"), [f"{number:04}_x.png" for number in range(0, 10_000, 250)])
    assert main(["init", "pictures", "-o", "tiny.yaml", "--name", "tiny"]) == 0


@pytest.mark.usefixtures("proposed")
@pytest.mark.parametrize("output", ["labels.csv", "elsewhere/deep/labels.csv"])
def test_the_label_file_trains_the_same_pictures_with_the_new_labels(output: str) -> None:
    before = scan(configs.read(Path("tiny.yaml"))).train
    Path("mine.csv").write_text("file,label\npictures/0250_x.png,7777\npictures/0500_x.png,\n", "utf-8")
    assert main(["relabel", "tiny.yaml", "mine.csv", "-o", output]) == 0
    config = configs.read(Path("tiny.yaml"))
    after = scan(config.model_copy(update={"System": config.System.model_copy(update={"TrainsPath": output})})).train
    labels = {sample.content.read(): sample.label for sample in before}
    for sample in after:
        expected = "7777" if labels[sample.content.read()] == "0250" else labels[sample.content.read()]
        assert sample.label == expected
    assert len(after) == len(before) - 1
    assert len(list(Path("pictures").iterdir())) == 40


@pytest.mark.usefixtures("proposed")
def test_a_table_of_other_labels_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["pictures/0250_x.png,251,250,0.9", "pictures/0500_x.png,0501,0500,0.9"]  # the first went through Excel
    Path("mine.csv").write_text("\n".join(["file,label,was,confidence", *lines]), "utf-8")
    assert main(["relabel", "tiny.yaml", "mine.csv"]) == 2
    assert "1 lines are of labels that have changed" in capsys.readouterr().err
    assert not Path("labels.csv").exists()
    Path("mine.csv").write_text("\n".join(["file,label,was,confidence", *lines[1:]]), "utf-8")
    assert main(["relabel", "tiny.yaml", "mine.csv"]) == 0


@pytest.mark.usefixtures("proposed")
def test_without_corrections_it_is_said_where_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relabel", "tiny.yaml"]) == 2
    assert "python -m trainer suspects writes one" in capsys.readouterr().err
