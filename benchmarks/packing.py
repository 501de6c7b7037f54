"""How much faster packing is than a loop over PIL in one thread that leaves the same records.

    python benchmarks/packing.py [--pictures 6000] [--pairs 3] [--folder DIR]

Both read every picture, decode it, make it gray, filter and resize it as the config says, take the digests of file and
pixels, split by digest and write TFRecords. The loop does so one picture after the other, with PIL, hashlib and
`tf.train.Example`, as one would write it at first. They run in turns, and the medians are compared; importing
tensorflow, which both need, is not timed.

Twice: `plain` only makes pictures gray, so that nearly all the time goes into PIL's decoder, which both use: two cores
can be twice as fast at most. `filtered` has a median filter, a blur and another size too.
"""

import argparse
import functools
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageFilter

from contract.strict import validate
from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset import pack
from trainer.progress import Silent

FILTERS: dict[str, dict[str, Any]] = {"plain": {}, "filtered": {"Smoothing": 3, "Blur": 3, "Resize": [120, 45]}}


def main() -> None:
    """Draw pictures unless there are some, time both ways in turns, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="pictures to pack instead, named label_anything.png")
    arguments = parser.parse_args()
    tensorflow()
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.folder or draw(Path(place, "pictures"), arguments.pictures)
        count = sum(1 for _ in folder.iterdir())
        print(f"{count:,} pictures, {parallel.worker_count(None)} cores, {arguments.pairs} pairs", flush=True)
        for name, steps in FILTERS.items():
            config = config_of(folder, steps)
            ratios = [compare(name, config, count, Path(place, f"{name}{pair}")) for pair in range(arguments.pairs)]
            print(f"{name}: median {statistics.median(ratios):.2f} times as fast as the loop", flush=True)


def compare(name: str, config: TrainConfig, count: int, place: Path) -> float:
    """Pack in both ways, into a folder of its own, and return how many times as fast packing is."""
    place.mkdir()
    loop = seconds(functools.partial(pil_loop, config, place / "loop.tfrecords"))
    packed = seconds(functools.partial(pack.pack, config, Silent(), root=place))
    print(f"  {name}: loop {count / loop:,.0f}/s, pack {count / packed:,.0f}/s", flush=True)
    return loop / packed


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pil_loop(config: TrainConfig, output: Path) -> None:
    """Pack a folder with PIL, one picture after the other."""
    tf = tensorflow()
    seen: set[str] = set()
    with tf.io.TFRecordWriter(str(output)) as train, tf.io.TFRecordWriter(f"{output}.test") as test:
        for path in sorted(Path(config.System.train_paths[0]).iterdir()):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            pixels = pil_steps(path, config).tobytes()
            seen.add(hashlib.sha256(pixels).hexdigest())
            is_test = digest < "1a"  # a tenth
            fields = {
                "pixels": pixels,
                "label": path.name.split("_")[0].encode(),
                "name": path.as_posix().encode(),
                "sha256": digest.encode(),
                "encoded": content if is_test else b"",
            }
            feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for key, v in fields.items()}
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            (test if is_test else train).write(example.SerializeToString())


def pil_steps(path: Path, config: TrainConfig) -> Image.Image:
    """Decode and pretreat a picture with PIL alone."""
    steps = config.Pretreatment
    with Image.open(path) as file:
        picture = file.convert("L")
    if steps.Smoothing > 0:
        picture = picture.filter(ImageFilter.MedianFilter(steps.Smoothing))
    if steps.Blur > 0:
        picture = picture.filter(ImageFilter.GaussianBlur(0.8))
    return (
        picture if picture.size == config.input_size else picture.resize(config.input_size, Image.Resampling.BILINEAR)
    )


def tensorflow() -> Any:  # noqa: ANN401 - a module
    """Return tensorflow; late, for the workers of packing import this file and must not wait for it."""
    import tensorflow as tf  # noqa: PLC0415

    return tf


def config_of(folder: Path, steps: dict[str, Any]) -> TrainConfig:
    """Return a config that packs a folder of digits."""
    tree = {
        "System": {"TrainsPath": str(folder)},
        "Model": {"ModelName": "packing", "CharSet": "NUMERIC", "ImageWidth": 160, "ImageHeight": 60},
        "Pretreatment": steps,
    }
    return validate(TrainConfig, tree, "benchmark")


def draw(folder: Path, count: int) -> Path:
    """Write pictures of four digits, 160x60 in colour, as large as those of `synth` and drawn faster."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        label = f"{rng.integers(10_000):04}"
        ground = rng.integers(225, 245, 3).tolist()
        picture = np.full((60, 160, 3), ground, np.uint8)
        for place, digit in enumerate(label):
            origin = (8 + 38 * place, 44 + int(rng.integers(-6, 7)))
            cv2.putText(picture, digit, origin, cv2.FONT_HERSHEY_SIMPLEX, 1.5, rng.integers(0, 150, 3).tolist(), 3)
        spots = rng.integers(0, 60 * 160, 700)
        picture.reshape(-1, 3)[spots] = rng.integers(0, 255, (700, 3))
        Image.fromarray(cv2.GaussianBlur(picture, (3, 3), 0)).save(folder / f"{label}_{number:06}.png")
    return folder


if __name__ == "__main__":
    main()
