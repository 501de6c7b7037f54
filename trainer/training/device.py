"""Which device trains, in which precision, and why: decided once, said in the first line."""

import os
import subprocess
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from trainer.config import Arithmetic, TrainConfig
from trainer.errors import UsageError
from trainer.training.convolution import hasten
from trainer.training.replicas import refuse_cluster

# bfloat16 is taken when it is faster by more than the noise of so short a measurement.
CLEARLY_FASTER = 1.15


@dataclass(frozen=True)
class Device:
    """Where training runs.

    Attributes:
        name: as a person knows it.
        reason: why it is this one.
        precision: of the arithmetic.
    """

    name: str
    reason: str
    precision: Arithmetic

    def __str__(self) -> str:
        """Return the sentence for the first line."""
        return f"Training on {self.name} in {self.precision} ({self.reason})"


def prepare(config: TrainConfig, earlier: Arithmetic | None = None) -> Device:
    """Set up the device as `System.DeviceUsage`, `System.Threads` and `Trains.Precision` say, and describe it.

    Must run before the backend runs anything in this process.

    Args:
        config: of the training.
        earlier: the precision of an interrupted run, which goes on in it.

    Raises:
        UsageError: the environment asks for several machines, or the config for what the backend cannot do.
    """
    refuse_cluster(os.environ.get("TF_CONFIG"))
    name, reason = _jax_device(config) if keras.config.backend() == "jax" else _tensorflow_device(config)
    if config.System.Deterministic:
        tf.config.experimental.enable_op_determinism()
        reason += "; Deterministic"
    wanted = config.Trains.Precision
    if wanted != "auto":
        return Device(name, reason, wanted)
    if earlier:
        return Device(name, f"{reason}; {earlier} as the run began", earlier)
    if config.System.Deterministic:  # a measurement may come out another way the next time
        return Device(name, reason, "float32")
    ratio = bfloat16_speedup()
    precision: Arithmetic = "bfloat16" if ratio > CLEARLY_FASTER else "float32"
    return Device(name, f"{reason}; bfloat16 measured {ratio:.1f}x the speed of float32", precision)


def _tensorflow_device(config: TrainConfig) -> tuple[str, str]:
    """Set tensorflow up, and return the name of the device and why it is this one."""
    if config.System.Threads:
        tf.config.threading.set_intra_op_parallelism_threads(config.System.Threads)
        tf.config.threading.set_inter_op_parallelism_threads(config.System.Threads)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        _limit_memory(gpu, config.System.DeviceUsage)
    if gpus:
        # Ampere and later would round what they multiply in float32 to ten bits. Texts that are nearly undecided would
        # be read otherwise by the export on a CPU, which is refused; who wants speed has bfloat16.
        tf.config.experimental.enable_tensor_float_32_execution(enabled=False)
        details = tf.config.experimental.get_device_details(gpus[0])
        name = f"GPU {details.get('device_name', gpus[0].name)}"
        if len(gpus) > 1:
            return f"{len(gpus)} GPUs, the first a {name}", "all GPUs seen by tensorflow share each batch"
        return name, "1 GPU seen by tensorflow"
    if not tf.test.is_built_with_cuda():
        return "CPU", "this tensorflow has no CUDA"
    return "CPU", "this tensorflow has CUDA but sees no GPU"


def _jax_device(config: TrainConfig) -> tuple[str, str]:
    """As `_tensorflow_device`, for jax; pictures and export stay tensorflow's, on the CPU."""
    import jax  # noqa: PLC0415 - present only where it is the backend

    if config.System.Deterministic:
        raise UsageError("System.Deterministic holds for tensorflow only: leave it out, or KERAS_BACKEND")
    if config.System.DeviceUsage is None:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    else:
        os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = str(config.System.DeviceUsage)
    tf.config.set_visible_devices([], "GPU")
    device = jax.devices()[0]
    kind = device.platform.upper()
    name = kind if kind == "CPU" else f"{kind} {device.device_kind}"
    return name, f"the first device of jax {jax.__version__}"


def bfloat16_speedup() -> float:
    """Measure how many times faster a convolution of this kind is in bfloat16 than in float32 here."""
    return _convolution_seconds("float32") / _convolution_seconds("bfloat16")


def _convolution_seconds(dtype: Arithmetic) -> float:
    images = np.ones((16, 30, 80, 32), np.float32)
    convolution = keras.layers.Conv2D(64, 5, padding="same", dtype=dtype)
    network = keras.Sequential([keras.Input(images.shape[1:]), convolution, keras.layers.GlobalAveragePooling2D()])
    hasten(network)
    seconds = []
    for _ in range(6):  # the first one traces and compiles
        started = time.perf_counter()
        network.predict_on_batch(images)  # waits for the result
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _limit_memory(gpu: object, share: float | None) -> None:
    if share is None:
        tf.config.experimental.set_memory_growth(gpu, True)  # noqa: FBT003 - tensorflow's signature
        return
    limit = tf.config.LogicalDeviceConfiguration(memory_limit=share * _gpu_mebibytes())
    tf.config.set_logical_device_configuration(gpu, [limit])


def _gpu_mebibytes() -> int:
    """Return the memory of the smallest GPU, since a share must fit on each of them."""
    # tensorflow tells no total; nvidia-smi comes with every driver.
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - found on the PATH
        return min(int(line) for line in answer.stdout.splitlines())
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise UsageError(
            f"System.DeviceUsage is a share of the GPU's memory, and nvidia-smi did not tell how much there is "
            f"({error}): leave DeviceUsage out, and memory is taken as it is needed"
        ) from error
