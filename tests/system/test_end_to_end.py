"""The whole way with the real programs: pictures, training, export, publishing, serving; every answer compared."""

import csv
import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contract import spec as specs
from serving.client import GrpcClient, HttpClient
from tests.system.processes import ONCE, environment, platform, run

CONFIG = """
System: {TrainsPath: pictures, TestSetNum: 150}
NeuralNet: {HiddenNum: 32}
Trains: {%s}
Model: {ModelName: pairs, CharSet: NUMERIC, ImageWidth: 96, ImageHeight: 40, Sites: [shop.example]}
"""


def draw(folder: Path, name: str, count: int, seed: int) -> None:
    words = f"synth {name} --count {count} --charset NUMERIC --length 2 --size 96x40 --seed {seed}"
    run(folder, "trainer", *words.split())


@pytest.mark.train
def test_what_was_trained_is_what_is_served(tmp_path: Path) -> None:
    (tmp_path / "pairs.yaml").write_text(CONFIG % "MaxMinutes: 2.0, MaxEpochs: 14, EndAcc: 0.97")
    draw(tmp_path, "pictures", count=1650, seed=5)
    run(tmp_path, "trainer", "verify", "pairs.yaml")
    trained = run(tmp_path, "trainer", "train", "pairs.yaml")
    assert "Training on CPU" in trained.stderr.splitlines()[0]
    spec = specs.read(tmp_path / "out/pairs/model/pairs_1.0.yaml")
    assert spec.Metrics is not None
    assert spec.Metrics.Accuracy > 0.5  # a minute is not much; the point is that everything agrees
    assert len(spec.Golden) == 8

    draw(tmp_path, "fresh", count=60, seed=6)
    files = sorted((tmp_path / "fresh").glob("*.png"))
    predicted = run(tmp_path, "trainer", "predict", "pairs.yaml", *map(str, files)).stdout
    texts = [row[1] for row in csv.reader(io.StringIO(predicted), delimiter="\t")]
    right = sum(path.name.partition("_")[0] == text for path, text in zip(files, texts, strict=True))
    assert right / len(files) > spec.Metrics.Accuracy - 0.25

    with platform(tmp_path / "platform") as served:
        run(tmp_path, "trainer", "publish", "pairs.yaml")
        served.wait_for(("pairs", "1.0"))
        contents = [path.read_bytes() for path in files]
        with HttpClient(served.http, ONCE) as http, GrpcClient(served.grpc, ONCE) as grpc:
            assert [http.read(content).text for content in contents] == texts
            assert [result.text for result in http.read_all(contents[:30])] == texts[:30]
            assert [grpc.read(content).text for content in contents] == texts


@pytest.mark.train
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_a_proven_export_and_the_next_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "pairs.yaml").write_text(CONFIG % "MaxEpochs: 30")
    draw(tmp_path, "pictures", count=400, seed=5)
    command = [sys.executable, "-m", "trainer", "train", "pairs.yaml"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as training:
        for line in training.stderr or ():
            if "Ctrl-C stops early" in line:
                training.send_signal(signal.SIGINT)
                break
        rest = training.stderr.read() if training.stderr else ""
        assert training.wait(120) == 0, rest
    assert "interrupted" in rest
    assert specs.read(tmp_path / "out/pairs/model/pairs_1.0.yaml").Metrics is not None
    (tmp_path / "pairs.yaml").write_text(CONFIG % "MaxEpochs: 30, MaxMinutes: 0.1")
    assert "going on at step" in run(tmp_path, "trainer", "train", "pairs.yaml").stderr
