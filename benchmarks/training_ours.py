"""Our side of training.py: steps of the trainer's own `Learner`, and where their time goes.

Not to be run by hand: reads orders from standard input, one a line, and answers each with a line of JSON.
"""

import collections
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from contract.spec import Arithmetic
from contract.strict import validate
from trainer.config import TrainConfig
from trainer.framework import import_keras

PICTURES, HEIGHT, WIDTH, LENGTH = 64, 60, 160, 4
RATE = 1e-3

CONFIG: dict[str, Any] = {
    "System": {"TrainsPath": "none"},
    # The second loss is there at the beginning only, which labels at random would never leave.
    "Trains": {"BatchSize": PICTURES, "Augment": "light", "AuxiliaryLoss": False},
    "Model": {"ModelName": "speed", "CharSet": "ALPHANUMERIC_LOWER", "ImageWidth": WIDTH, "ImageHeight": HEIGHT},
}

SQUARE = 2048  # rows of the matrices whose product stands for the machine's limit
PROFILED = 4  # steps
DRAWN = 20  # batches of the input that are timed

# Kinds of work, by words in the names of operations; the first that fits counts. Of the convolutions that multiply less
# (`trainer.training.convolution`) all forward operations have the layer's name; on the way back only the convolutions
# inside tell by their type, and what is moved around them has no telling name: it counts as rest.
KINDS: Mapping[str, tuple[str, ...]] = {
    "CTC": ("ctc",),
    "recurrence": ("lstm", "gru", "bidirectional"),
    "convolution": ("Conv2D", "conv2d"),
    "optimizer": ("adam", "global_norm", "clip", "Optimizer", "AssignSub", "AssignAdd"),
    "norm, pool, activation": ("batch_norm", "max_pool", "leaky", "Pool"),
}


def main() -> None:
    """Build the learner, then do what the orders say: a number of steps, or `profile`."""
    import_keras()
    from trainer.training.learner import Learner  # noqa: PLC0415 - these import keras
    from trainer.training.recipe import choose  # noqa: PLC0415

    precision: Arithmetic = "bfloat16" if "bfloat16" in sys.argv else "float32"
    config = validate(TrainConfig, CONFIG, "benchmark")
    plan = choose(config, 10_000, precision)
    learner = Learner(config, plan)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (PICTURES, HEIGHT, WIDTH, 1), np.uint8)
    labels = rng.integers(1, config.charset.classes, (PICTURES, LENGTH), np.int32)

    def steps(count: int) -> Iterator[float]:
        for _ in range(count):
            started = time.perf_counter()
            learner.step(images, labels, RATE)
            yield time.perf_counter() - started

    list(steps(3))
    answer({"parameters": sum(int(np.prod(item.shape)) for item in learner.reader.trainable_variables)})
    for line in sys.stdin:
        if line.strip() == "profile":
            answer(profile(steps, precision) | {"input": input_seconds(config, plan), "work": work(learner.reader)})
        else:
            answer(list(steps(int(line))))


def profile(steps: Any, precision: str) -> dict[str, Any]:  # noqa: ANN401 - a function
    """Return the share of each kind of work, and what the machine can do at most."""
    import tensorflow as tf  # noqa: PLC0415 - late, as keras

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        list(steps(PROFILED))
        tf.profiler.experimental.stop()
        durations = operations(Path(folder))
    shares: collections.Counter[str] = collections.Counter()
    for name, duration in durations.items():
        shares[kind_of(name)] += duration
    whole = sum(shares.values())
    return {"shares": {kind: part / whole for kind, part in shares.most_common()}, "limit": limit(precision)}


def operations(folder: Path) -> Mapping[str, int]:
    """Return the picoseconds of each operation in a trace; what only calls others is left out."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # noqa: PLC0415 - late, as tensorflow

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
    found: collections.Counter[str] = collections.Counter()
    for plane in space.planes:
        for event in itertools.chain.from_iterable(line.events for line in plane.lines):
            name = plane.event_metadata[event.metadata_id].name
            # An operation's name ends in its type: `conv2d/convolution:_MklNativeConv2D`.
            calls_others = "::" in name or ": " in name or name.endswith(("While", "If", "PartitionedCall"))
            if ":" in name and not calls_others:
                found[name] += event.duration_ps
    return found


def kind_of(name: str) -> str:
    """Return the kind of work that an operation is part of."""
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), "rest")


def limit(precision: str) -> float:
    """Return the multiply-adds per second of a large product of matrices in this precision."""
    import tensorflow as tf  # noqa: PLC0415 - late, as keras

    matrix = tf.cast(tf.random.normal([SQUARE, SQUARE]), precision)
    product = tf.function(tf.matmul)
    seconds = []
    for _ in range(8):
        started = time.perf_counter()
        float(product(matrix, matrix)[0, 0])  # waits for the result
        seconds.append(time.perf_counter() - started)
    return float(SQUARE**3 / min(seconds))


def work(model: Any) -> int:  # noqa: ANN401 - keras has no types
    """Return the multiply-adds of one step: forward, and twice that backward, but for the pictures' own gradient."""
    from keras import layers  # noqa: PLC0415 - late

    each = []
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            _, height, width, _ = layer.output.shape
            each.append(height * width * int(np.prod(layer.kernel.shape)))
        elif layer.weights and not isinstance(layer, layers.BatchNormalization):  # recurrence and scores
            kernels = [weight for weight in layer.weights if len(weight.shape) == 2]
            each.append(layer.output.shape[1] * sum(int(np.prod(kernel.shape)) for kernel in kernels))
    return int(PICTURES * (3 * sum(each) - each[0]))


def input_seconds(config: TrainConfig, plan: Any) -> float:  # noqa: ANN401 - a recipe, which imports late
    """Return the seconds that one varied batch takes when nothing else runs; in training it comes ahead."""
    from trainer.training.pipeline import batches  # noqa: PLC0415 - late, as keras

    pixels = np.zeros((1000, HEIGHT, WIDTH, 1), np.uint8)
    drawn = batches(pixels, np.ones((1000, LENGTH), np.int32), plan, config.System.Seed, first_step=0)
    list(itertools.islice(drawn, 5))
    started = time.perf_counter()
    list(itertools.islice(drawn, DRAWN))
    return (time.perf_counter() - started) / DRAWN


def answer(value: object) -> None:
    """Write one line of JSON."""
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
