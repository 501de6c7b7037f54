"""Whole trainings on several devices and behind another framework, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.trainer.test_fit import examples

pytestmark = [pytest.mark.train, pytest.mark.slow]

CONFIG = """
System: {TrainsPath: pictures, TestSetNum: 40, Threads: 2}
NeuralNet: {HiddenNum: 16}
Trains: {BatchSize: 16, MaxEpochs: 12, Precision: float32, Augment: 'off', TestBatchSize: 40}
Model: {ModelName: bars, CharSet: '01', ImageWidth: 48, ImageHeight: 16}
"""

ON_TWO_DEVICES = """
import numpy as np
from trainer.framework import import_keras
import_keras()
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from pathlib import Path
from trainer import config as configs
from trainer.cli.root import main
from trainer.run import run_of
from trainer.training import checkpoint, recipe
from trainer.training.learner import Learner

code = main(["train", "bars.yaml"])
config = configs.read(Path("bars.yaml"))
learner = Learner(config, recipe.choose(config, 200, "float32"))
_, arrays = checkpoint.load(run_of(config.Model).state)
learner.restore(arrays)
for name, value in learner.state().items():
    np.testing.assert_array_equal(value, arrays[name], err_msg=name)
print("replicas", learner._replicas.count, "each clipped to", learner._optimizer.global_clipnorm)
raise SystemExit(code)
"""

GRADIENT = """
import numpy as np
from trainer.framework import import_keras
import_keras()
import keras
from tests.conftest import scrambled, small_config
from trainer.network.build import build
from trainer.training.gradient import gradient_norm

model = scrambled(build(small_config()))
rng = np.random.default_rng(0)
for weight in model.weights:
    weight.assign(rng.uniform(0.1, 0.5, weight.shape))
images = rng.integers(0, 256, (4, 16, 48, 1), np.uint8)
labels = np.array([[1, 2, 0], [3, 3, 1], [9, 0, 0], [2, 4, 6]], np.int32)
print(gradient_norm(model, keras.losses.CTC(), images, labels))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pictures to train on and a config."""
    place = tmp_path_factory.mktemp("backends")
    drawn = examples(240, 48)
    (place / "pictures").mkdir()
    for index, (pixels, label) in enumerate(zip(drawn.pixels, drawn.labels, strict=True)):
        Image.fromarray(pixels[..., 0]).save(place / "pictures" / f"{label}_{index}.png")
    (place / "bars.yaml").write_text(CONFIG, "utf-8")
    return place


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_two_devices_learn_together_and_export(folder: Path) -> None:
    done = python(folder, "-c", ON_TWO_DEVICES)
    assert "replicas 2 each clipped to 0.5" in done.stdout  # their sum to 1
    assert "100.00% of 40 whole texts right" in done.stdout
    assert "Proven: the exported graph reads all 40 test pictures" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed (extra `jax`)")
def test_jax_trains_and_tensorflow_exports(folder: Path) -> None:
    done = python(folder, "-m", "trainer", "train", "bars.yaml", "--fresh", KERAS_BACKEND="jax")
    assert "of jax" in done.stderr
    assert "100.00% of 40 whole texts right" in done.stdout
    assert "Proven: the exported graph reads all 40 test pictures" in done.stderr
    norms = [float(python(folder, "-c", GRADIENT, KERAS_BACKEND=name).stdout) for name in ("jax", "tensorflow")]
    assert norms[0] == pytest.approx(norms[1], rel=1e-3)
