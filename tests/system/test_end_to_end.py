"""The whole way with the real programs: pictures, training, export, publishing, serving; every answer compared."""

import csv
import io
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract import spec as specs
from contract.spec import ModelSpec
from serving.client import GrpcClient, HttpClient
from tests.system.processes import ONCE, environment, platform, run

pytestmark = pytest.mark.train

CAN_INTERRUPT = sys.platform != "win32"  # which sends no SIGINT to one process

# Read well in some 5 epochs; so few pictures in all that no network is tried out before, which test_readme has.
CONFIG = """
System: {TrainsPath: pictures, TestSetNum: 100}
NeuralNet: {HiddenNum: 16}
Trains: {BatchSize: 16, MaxEpochs: 12, EndAcc: 0.9}
Model: {ModelName: pairs, CharSet: '0123', ImageWidth: 64, ImageHeight: 32, Sites: [shop.example]}
"""


@dataclass(frozen=True)
class Trained:
    """A folder in which `train` was interrupted at its beginning and then ran to its end.

    Attributes:
        folder: that holds pairs.yaml.
        interrupted: what the first command said after Ctrl-C.
        exported: what it left; None where no command can be interrupted.
        said: by the last command.
    """

    folder: Path
    interrupted: str
    exported: ModelSpec | None
    said: str

    def spec(self) -> ModelSpec:
        """Return the description that was exported last."""
        return specs.read(self.folder / "out/pairs/model/pairs_1.0.yaml")


def draw(folder: Path, name: str, count: int, seed: int) -> None:
    words = f"synth {name} --count {count} --charset 0123 --length 2 --size 64x32 --seed {seed}"
    run(folder, "trainer", *words.split())


def interrupt(folder: Path) -> str:
    """Run `train` until it says that it can be stopped, stop it, and return the rest of what it says."""
    command = [sys.executable, "-m", "trainer", "train", "pairs.yaml"]
    with subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True) as training:
        assert training.stderr
        for line in training.stderr:
            if "Ctrl-C stops early" in line:
                training.send_signal(signal.SIGINT)
                break
        rest = training.stderr.read()
        assert training.wait(120) == 0, rest
    return rest


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "pairs.yaml").write_text(CONFIG)
    draw(folder, "pictures", count=800, seed=5)
    run(folder, "trainer", "verify", "pairs.yaml")
    interrupted = interrupt(folder) if CAN_INTERRUPT else ""
    exported = specs.read(folder / "out/pairs/model/pairs_1.0.yaml") if CAN_INTERRUPT else None
    said = run(folder, "trainer", "train", "pairs.yaml").stderr
    return Trained(folder, interrupted, exported, said)


@pytest.mark.skipif(not CAN_INTERRUPT, reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_a_proven_export_and_the_next_command_goes_on(trained: Trained) -> None:
    assert "interrupted" in trained.interrupted
    assert "Proven: the exported graph reads all 100 test pictures" in trained.interrupted
    assert trained.exported
    assert trained.exported.Metrics
    assert "going on at step" in trained.said
    assert trained.spec() != trained.exported


def test_what_was_trained_is_what_is_served(trained: Trained) -> None:
    assert "Training on CPU" in trained.said.splitlines()[0]
    spec = trained.spec()
    assert spec.Metrics is not None
    assert spec.Metrics.Accuracy > 0.5  # a minute is not much; the point is that everything agrees
    assert len(spec.Golden) == 8

    draw(trained.folder, "fresh", count=60, seed=6)
    files = sorted((trained.folder / "fresh").glob("*.png"))
    predicted = run(trained.folder, "trainer", "predict", "pairs.yaml", *map(str, files)).stdout
    texts = [row[1] for row in csv.reader(io.StringIO(predicted), delimiter="\t")]
    right = sum(path.name.partition("_")[0] == text for path, text in zip(files, texts, strict=True))
    assert right / len(files) > spec.Metrics.Accuracy - 0.25

    with platform(trained.folder / "platform") as served:
        run(trained.folder, "trainer", "publish", "pairs.yaml")
        served.wait_for(("pairs", "1.0"))
        contents = [path.read_bytes() for path in files]
        with HttpClient(served.http, ONCE) as http, GrpcClient(served.grpc, ONCE) as grpc:
            assert [http.read(content).text for content in contents] == texts
            assert [result.text for result in http.read_all(contents[:30])] == texts[:30]
            assert [grpc.read(content).text for content in contents] == texts
