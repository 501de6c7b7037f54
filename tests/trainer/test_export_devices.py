"""The exported graph does not depend on the devices of the process that exports it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from contract.files import sha256
from tests.conftest import Artifact

ROOT = Path(__file__).parents[2]

# Run in fresh processes: devices are fixed once tensorflow has started. The weights come from a generator of numbers
# whose results are the same on every device.
EXPORT = """
import sys
from trainer.framework import import_keras
import_keras()
import tensorflow as tf
from tests.conftest import make_artifact, small_config
if sys.argv[1] == "two devices":
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope(), tf.device("CPU:1"):
        artifact = make_artifact(small_config())
else:
    artifact = make_artifact(small_config())
if sys.argv[1] == "with a GPU":
    assert "GPU" in artifact.model.weights[0].value.device, artifact.model.weights[0].value.device
sys.stdout.buffer.write(artifact.graph)
"""


def exported(devices: str, **environment: str) -> bytes:
    """Export the small network in a process of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    done = subprocess.run(
        [sys.executable, "-c", EXPORT, devices],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.slow
def test_a_graph_exported_beside_two_devices_is_the_same(artifact: Artifact) -> None:
    """Weights that live on a second device, in variables mirrored over both, leave the same bytes."""
    assert sha256(exported("two devices", CUDA_VISIBLE_DEVICES="-1")) == sha256(artifact.graph)


@pytest.mark.slow
def test_a_graph_exported_where_a_gpu_is_visible_is_the_same() -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("no GPU is visible here: nothing to compare with")
    assert sha256(exported("with a GPU")) == sha256(exported("without", CUDA_VISIBLE_DEVICES="-1"))


def test_no_node_is_tied_to_a_device(artifact: Artifact) -> None:
    graph = tf.compat.v1.GraphDef.FromString(artifact.graph)
    assert {node.device for node in graph.node} == {""}
    assert not [node.name for node in graph.node if "_class" in node.attr or "_device" in "".join(node.attr)]
