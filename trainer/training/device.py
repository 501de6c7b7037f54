"""Which device trains, in which precision, and why: decided once, said in the first line."""

import subprocess
import time
from dataclasses import dataclass

import keras
import tensorflow as tf

from trainer.config import Arithmetic, TrainConfig

# bfloat16 is taken when it is faster by more than the noise of so short a measurement.
CLEARLY_FASTER = 1.3


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

    Must run before tensorflow runs anything in this process.

    Args:
        config: of the training.
        earlier: the precision of an interrupted run, which goes on in it.
    """
    if config.System.Threads:
        tf.config.threading.set_intra_op_parallelism_threads(config.System.Threads)
        tf.config.threading.set_inter_op_parallelism_threads(config.System.Threads)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        _limit_memory(gpu, config.System.DeviceUsage)
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        name = f"GPU {details.get('device_name', gpus[0].name)}"
        reason = f"{len(gpus)} GPU seen by tensorflow"
    else:
        built = "has no CUDA" if not tf.test.is_built_with_cuda() else "has CUDA but sees no GPU"
        name, reason = "CPU", f"this tensorflow {built}"
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


def bfloat16_speedup() -> float:
    """Measure how many times faster a convolution of this kind is in bfloat16 than in float32 here."""
    return _convolution_seconds("float32") / _convolution_seconds("bfloat16")


def _convolution_seconds(dtype: Arithmetic) -> float:
    convolve = tf.function(keras.layers.Conv2D(64, 5, padding="same", dtype=dtype))
    images = keras.ops.ones((16, 30, 80, 32), dtype=dtype)
    seconds = []
    for _ in range(6):  # the first one traces and compiles
        started = time.perf_counter()
        float(convolve(images)[0, 0, 0, 0])  # waits for the result
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _limit_memory(gpu: object, share: float | None) -> None:
    if share is None:
        tf.config.experimental.set_memory_growth(gpu, True)  # noqa: FBT003 - tensorflow's signature
        return
    limit = tf.config.LogicalDeviceConfiguration(memory_limit=share * _gpu_mebibytes())
    tf.config.set_logical_device_configuration(gpu, [limit])


def _gpu_mebibytes() -> int:
    # tensorflow tells no total; nvidia-smi comes with every driver.
    answer = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],  # noqa: S607 - found on the PATH
        capture_output=True,
        text=True,
        check=True,
    )
    return int(answer.stdout.split()[0])
