import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from contract.measured import MetricsSection
from tests.conftest import Artifact
from trainer import config as configs
from trainer.cli.root import main
from trainer.config import TrainConfig
from trainer.evaluation.comparison import Training, rows
from trainer.evaluation.history import Reading, to_csv
from trainer.run import Run, run_of
from trainer.training.assessment import outdated

READING = Reading(
    step=10, epoch=1.0, loss=2.5, test_loss=3.0, accuracy=0.5, character_error_rate=0.2, rate=1e-3, seconds=60.0
)
BETTER = dataclasses.replace(READING, step=20, accuracy=0.75, seconds=90.0)


def training(name: str, **config: object) -> Training:
    return Training(name, {"Trains": config}, [READING, BETTER], None, None, None)


def test_only_keys_that_differ_are_listed() -> None:
    table = dict(rows([training("a", BatchSize=32, Seed=1), training("b", BatchSize=64, Seed=1)]))
    assert table["Trains.BatchSize"] == ["32", "64"]
    assert "Trains.Seed" not in table


def test_a_key_that_one_has_and_the_other_not_differs() -> None:
    assert dict(rows([training("a", Jit=True), training("b")]))["Trains.Jit"] == ["True", ""]


def test_long_values_that_differ_in_the_middle_or_at_the_end_are_listed_and_look_different() -> None:
    start, end = "/data/pictures/of/captchas/", "/of/the/newest/collection"
    table = dict(rows([training("a", Path=f"{start}one"), training("b", Path=f"{start}two")]))
    assert table["Trains.Path"] == ["/data/pictu...ptchas/one", "/data/pictu...ptchas/two"]
    inside = dict(rows([training(name, Path=f"{start}{name}{end}") for name in ("one", "two")]))
    assert inside["Trains.Path"] == ["...tchas/one/of/the/n...", "...tchas/two/of/the/n..."]
    assert {len(cell) for cell in [*table["Trains.Path"], *inside["Trains.Path"]]} == {24}


def test_values_that_no_shortening_tells_apart_are_shown_whole() -> None:
    texts = ["1" * 99, "1" + "2" * 49 + "3" + "2" * 48, "1" + "2" * 48 + "3" + "2" * 49]
    assert dict(rows([training(text[:3], CharSet=text) for text in texts]))["Trains.CharSet"] == texts


def test_the_best_reading_counts_and_the_last_tells_the_time() -> None:
    table = dict(rows([dataclasses.replace(training("a"), history=[BETTER, READING])]))
    assert (table["best test reading"], table["steps"], table["minutes"]) == (["75.00%"], ["10"], ["1.0"])


@pytest.fixture
def run_folders(configure: Callable[..., TrainConfig], tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "one" / "same", tmp_path / "two" / "same"]
    for folder in folders:
        (folder / "run").mkdir(parents=True)
        (folder / "run" / "config.yaml").write_text(yaml.safe_dump(configure("nowhere").model_dump()))
        (folder / "run" / "history.csv").write_text(to_csv([READING, BETTER]))
    return folders


def test_two_runs_make_a_table_and_a_figure(
    run_folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "compare.png"
    assert main(["compare", *map(str, run_folders), "-o", str(figure)]) == 0
    assert capsys.readouterr().out.count("75.00%") == 2
    with Image.open(figure) as image:
        assert image.format == "PNG"


def test_brackets_are_shown_as_they_are(
    run_folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, symbols in zip(run_folders, ("ab[/red]", "[b]a/red"), strict=True):
        config = folder / "run" / "config.yaml"
        tree = yaml.safe_load(config.read_text())
        tree["Model"]["CharSet"] = symbols
        config.write_text(yaml.safe_dump(tree))
    assert main(["compare", *map(str, run_folders), "-o", str(tmp_path / "compare.png")]) == 0
    out = capsys.readouterr().out
    assert "ab[/red]" in out
    assert "[b]a/red" in out


def test_a_model_that_was_exported_before_the_training_is_left_out(
    run_folders: list[Path], artifact: Artifact, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = MetricsSection(
        Accuracy=0.875, AccuracyInterval=[0.8, 0.9], CharacterErrorRate=0.05, Pictures=16, Dataset="0" * 64
    )
    model = run_of(configs.read(run_folders[0] / "run" / "config.yaml").Model)
    measured = dataclasses.replace(artifact, spec=artifact.spec.model_copy(update={"Metrics": metrics}))
    for folder, trained in zip(run_folders, (-10, 10), strict=True):
        spec = measured.write(folder, model.stem)
        now = spec.stat().st_mtime_ns + trained * 10**9
        os.utime(folder / "run" / "history.csv", ns=(now, now))
    assert main(["compare", *map(str, run_folders), "-o", str(tmp_path / "compare.png")]) == 0
    out = capsys.readouterr().out
    (exported,) = [line.split() for line in out.splitlines() if line.startswith("exported")]
    assert exported == ["exported", "87.50%", "-"]
    assert f"{run_folders[1].as_posix()}: the exported model is older than the training" in out
    assert out.count("is older than") == 1


def test_a_benchmark_or_report_makes_no_old_model_newer(run_folders: list[Path], artifact: Artifact) -> None:
    run = Run(run_folders[0], "old_1.0")
    assert not outdated(run)  # nothing is exported
    artifact.write(run.folder, run.stem)
    os.utime(run.graph, ns=(0, 0))
    assert outdated(run)
    run.history.unlink()
    assert outdated(run)  # a new training has begun
    os.utime(run.config, ns=(0, 0))
    assert not outdated(run)


def test_runs_made_before_the_loss_of_the_test_set_was_measured_are_compared(
    run_folders: list[Path], tmp_path: Path
) -> None:
    old = "step,epoch,loss,accuracy,character_error_rate,rate,seconds\n10,1.0,nan,0.5,0.2,0.001,60.0\n"
    (run_folders[0] / "run" / "history.csv").write_text(old)
    assert main(["compare", *map(str, run_folders), "-o", str(tmp_path / "compare.png")]) == 0


def test_a_folder_without_a_training_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path)]) == 2
    assert "config.yaml is missing" in capsys.readouterr().err
