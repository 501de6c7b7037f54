"""What a training is told to run on: shares of memory, several GPUs, several machines, another backend."""

import json
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import small_config
from trainer.errors import UsageError
from trainer.framework import import_keras


@pytest.fixture
def device() -> Any:
    import_keras()
    from trainer.training import device as module  # noqa: PLC0415 - it imports keras

    return module


class FakeConfig:
    """Stands for `tf.config` of a machine with GPUs, and notes what is asked of it."""

    def __init__(self, gpus: int) -> None:
        self.gpus = [SimpleNamespace(name=f"GPU:{number}") for number in range(gpus)]
        self.asked: list[tuple[Any, ...]] = []
        self.rounds = True
        self.experimental = SimpleNamespace(
            enable_tensor_float_32_execution=lambda enabled: setattr(self, "rounds", enabled),
            get_device_details=lambda gpu: {"device_name": f"Thing {gpu.name}"},
            set_memory_growth=lambda gpu, grows: self.asked.append((gpu.name, grows)),
        )

    def list_physical_devices(self, kind: str) -> list[SimpleNamespace]:
        return self.gpus if kind == "GPU" else []

    def set_logical_device_configuration(self, gpu: SimpleNamespace, limits: list[float]) -> None:
        self.asked.append((gpu.name, *limits))

    def LogicalDeviceConfiguration(self, memory_limit: float) -> float:  # noqa: N802 - tensorflow's name
        return memory_limit


@pytest.mark.parametrize(
    ("gpus", "share", "asked", "sentence"),
    [
        (1, None, [("GPU:0", True)], "Training on GPU Thing GPU:0 in float32 (1 GPU seen by tensorflow)"),
        (
            2,
            0.5,
            [("GPU:0", 500.0), ("GPU:1", 500.0)],
            "Training on 2 GPUs, the first a GPU Thing GPU:0 in float32 (all GPUs seen by tensorflow share each batch)",
        ),
    ],
)
def test_each_gpu_gets_its_share_of_memory(
    device: Any, gpus: int, share: float | None, asked: list[Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeConfig(gpus)
    monkeypatch.setattr(device, "tf", SimpleNamespace(config=fake))
    monkeypatch.setattr(device, "_gpu_mebibytes", lambda: 1000)
    config = small_config(System={"DeviceUsage": share}, Trains={"Precision": "float32"})
    assert str(device.prepare(config)) == sentence
    assert fake.asked == asked
    assert not fake.rounds


def cluster(*machines: str) -> str:
    return json.dumps({"cluster": {"worker": machines}, "task": {"type": "worker", "index": 0}})


@pytest.mark.parametrize("tf_config", [None, "", "{}", cluster("one:1")])
def test_one_machine_is_no_cluster(device: Any, tf_config: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    without_cuda = SimpleNamespace(is_built_with_cuda=lambda: False)
    monkeypatch.setattr(device, "tf", SimpleNamespace(config=FakeConfig(0), test=without_cuda))
    if tf_config is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setenv("TF_CONFIG", tf_config)
    assert "CPU" in str(device.prepare(small_config(Trains={"Precision": "float32"})))


def test_several_machines_are_refused_with_the_reason(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", cluster("one:1", "two:2"))
    with pytest.raises(UsageError, match=r"2 machines, and Keras .* cannot train on more than one"):
        device.prepare(small_config())


@pytest.mark.parametrize("tf_config", ["foo", "[]", '{"cluster": 3}'])
def test_a_broken_cluster_is_told_as_such(device: Any, tf_config: str) -> None:
    with pytest.raises(UsageError, match=r"TF_CONFIG is no description of a cluster: .*; unset it"):
        device.refuse_cluster(tf_config)


@pytest.mark.parametrize(("code", "said"), [(0, "[N/A]"), (9, "24576")])
def test_memory_that_nvidia_smi_does_not_tell_is_an_error_with_advice(
    device: Any, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        result = subprocess.CompletedProcess(command, code, said)
        result.check_returncode()
        return result

    monkeypatch.setattr(device.subprocess, "run", answer)
    with pytest.raises(UsageError, match="leave DeviceUsage out"):
        device._gpu_mebibytes()


@pytest.mark.parametrize("backend", ["numpy", "openvino"])
def test_a_backend_that_does_not_train_is_refused(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(UsageError, match=f"'{backend}'; networks are trained with tensorflow or jax"):
        import_keras()


def test_a_backend_that_is_missing_is_told_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install -e '\.\[jax\]'"):
        import_keras()
