"""A whole training by its commands: what the run folder holds, going on, refusing, starting warm, reporting again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract import spec as specs
from tests.trainer.test_fit import examples
from trainer import config as configs
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import Run, run_of

pytestmark = pytest.mark.train

CONFIG = """
System: {{TrainsPath: pictures, TestSetNum: 40, Threads: 2}}
NeuralNet: {{HiddenNum: 16}}
Trains: {{BatchSize: 16, MaxEpochs: {epochs}, Precision: float32, Augment: 'off', TestBatchSize: 40}}
Model: {{ModelName: bars, CharSet: '{symbols}', ImageWidth: 48, ImageHeight: 16}}
"""


def trainer(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [sys.executable, "-m", "trainer", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def configure(folder: Path, epochs: int = 12, symbols: str = "01") -> None:
    (folder / "bars.yaml").write_text(CONFIG.format(epochs=epochs, symbols=symbols), "utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, str]:
    """A folder in which `train` has run once; returns it, its run and what was said."""
    folder = tmp_path_factory.mktemp("story")
    drawn = examples(240, 48)
    (folder / "pictures").mkdir()
    for index, (pixels, label) in enumerate(zip(drawn.pixels, drawn.labels, strict=True)):
        Image.fromarray(pixels[..., 0]).save(folder / "pictures" / f"{label}_{index}.png")
    configure(folder)
    done = trainer(folder, "train", "bars.yaml")
    assert done.returncode == 0, done.stderr
    run = run_of(configs.read(folder / "bars.yaml").Model, folder / "out")
    return folder, run, done.stderr


def test_the_run_folder_holds_what_repeating_it_needs(trained: tuple[Path, Run, str]) -> None:
    _, run, said = trained
    for path in (run.graph, run.spec, run.state, run.best, run.history, run.config, run.curves, run.report):
        assert path.stat().st_size > 0
    assert list(run.tensorboard.iterdir())
    identity = json.loads(run.identity.read_text("utf-8"))
    assert {"tensorflow", "keras", "numpy"} <= identity["notes"]["versions"].keys()
    assert len(identity["made_of"]["pictures"]) == 64
    resolved = configs.read(run.config)
    assert (resolved.Trains.MaxEpochs, resolved.Trains.LearningRate, resolved.Trains.Precision) == (12, 2e-3, "float32")
    assert "Steps waited" in said


def test_the_model_yaml_has_the_accept_table_and_is_still_one(trained: tuple[Path, Run, str]) -> None:
    folder, run, _ = trained
    metrics = specs.read(run.spec).Metrics
    assert metrics
    assert [line.Confidence for line in metrics.Accept][:2] == [0.0, 0.5]
    assert metrics.Accept[0].Accepted == 1.0
    assert metrics.Accept[0].Right == pytest.approx(metrics.Accuracy)
    assert trainer(folder, "publish", "bars.yaml", "--to", "served").returncode == 0


def test_the_report_can_be_written_again(trained: tuple[Path, Run, str]) -> None:
    folder, run, _ = trained
    before = run.report.read_text("utf-8")
    run.report.unlink()
    assert trainer(folder, "report", "bars.yaml").returncode == 0
    assert run.report.read_text("utf-8") == before
    doubted = next((folder / "pictures").iterdir()).name
    lines = [
        f"pictures/{doubted},2,{doubted[:3]},0.9",
        "pictures/gone.png,000,111,0.9",
        "",
        f"pictures/{doubted},2,x,1",
    ]
    run.relabel.write_text("\n".join(["file,label,was,confidence", *lines, ""]), "utf-8")
    assert trainer(folder, "report", "bars.yaml").returncode == 0
    assert "Labels to doubt, in the whole set: 1<" in run.report.read_text("utf-8")
    run.relabel.unlink()


def test_what_changed_is_refused_and_a_warm_start_accepts_it(trained: tuple[Path, Run, str]) -> None:
    folder, run, _ = trained
    configure(folder, epochs=2, symbols="012")
    refused = trainer(folder, "train", "bars.yaml")
    assert refused.returncode == 1
    assert 'Model.CharSet was "01", is "012"; Trains.MaxEpochs was 12, is 2' in refused.stderr
    assert f"--fresh --warm-start {run.folder.relative_to(folder)}" in refused.stderr
    warm = trainer(folder, "train", "bars.yaml", "--fresh", "--warm-start", "out/bars")
    assert warm.returncode == 0, warm.stderr
    assert "kept 2 symbols, added 1, dropped 0; took over 12 of 12 layers" in warm.stderr
    again = trainer(folder, "train", "bars.yaml", "--warm-start", "out/bars")
    assert again.returncode == 0, again.stderr
    assert "kept 2 symbols" not in again.stderr  # it is done, and was not begun again
    with np.load(run.best) as best:
        assert json.loads(best["symbols"].tobytes()) == ["0", "1", "2"]


@pytest.mark.slow
def test_a_warm_start_from_itself_loses_nothing_if_it_is_refused_or_killed(
    trained: tuple[Path, Run, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run, _ = trained
    copy = run_of(configs.read(folder / "bars.yaml").Model, tmp_path / "out")
    shutil.copytree(run.folder, copy.folder)
    (tmp_path / "pictures").symlink_to(folder / "pictures")
    # In this process tensorflow has its threads already.
    (tmp_path / "bars.yaml").write_text((folder / "bars.yaml").read_text("utf-8").replace(", Threads: 2", ""), "utf-8")
    monkeypatch.chdir(tmp_path)
    import_keras()
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    def again(warm_start: str, *, fresh: bool = True) -> None:
        story.train(configs.read(Path("bars.yaml")), Silent(), fresh=fresh, warm_start=Path(warm_start))

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    best, state = copy.best.read_bytes(), copy.state.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(story, "CHECKED_FROM", 0)
        patch.setattr("trainer.training.apart.check", end)
        with pytest.raises(KeyboardInterrupt):
            again("out/bars")
    assert (copy.best.read_bytes(), copy.state.read_bytes()) == (best, state)
    for moment in ("trainer.training.fit.Fit.__init__", "trainer.training.fit.Fit.train"):
        with monkeypatch.context() as patch:
            patch.setattr(moment, end)
            with pytest.raises(KeyboardInterrupt):
                again("out/bars")
        assert copy.best.read_bytes() == best
    assert copy.state.exists()  # begun, and not yet read
    copy.best.unlink()
    again("out/bars", fresh=False)  # it goes on without its donor
    assert copy.best.exists()


def test_the_preview_is_a_picture(trained: tuple[Path, Run, str]) -> None:
    folder, _, _ = trained
    assert trainer(folder, "preview", "bars.yaml", "-o", "sheet.png", "--count", "20").returncode == 0
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.width > 400
    refused = trainer(folder, "preview", "bars.yaml", "--step", "1000000")
    assert refused.returncode == 2
    assert "give --step less than that" in refused.stderr


def test_suspects_go_into_a_table_that_relabel_takes(trained: tuple[Path, Run, str]) -> None:
    folder, run, _ = trained
    configure(folder, epochs=4)  # too few to read well, so that there is something to find
    found = trainer(folder, "suspects", "bars.yaml", "--folds", "2", "--confidence", "0")
    assert found.returncode == 0, found.stderr
    lines = run.relabel.read_text("utf-8").splitlines()
    assert lines[0] == "file,label,was,confidence"
    assert len(lines) - 1 == len(found.stdout.splitlines())
    assert "networks that had not seen them read" in found.stderr
    assert run.suspects.read_text("utf-8").count("<figure>") == len(lines) - 1
    assert trainer(folder, "relabel", "bars.yaml").returncode == 0
    assert (folder / "labels.csv").read_text("utf-8").startswith('"file","label"\n"pictures/')
    run.relabel.unlink()
