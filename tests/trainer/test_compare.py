import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from trainer.cli.root import main
from trainer.config import TrainConfig
from trainer.evaluation.comparison import Training, rows
from trainer.evaluation.history import Reading, to_csv

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


def test_a_folder_without_a_training_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path)]) == 2
    assert "config.yaml is missing" in capsys.readouterr().err
