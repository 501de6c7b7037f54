"""The two ways of packing that `packing.py` compares, and verifying: what is timed, and the times."""

import argparse
import functools
import hashlib
import io
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
from trainer.dataset.propose import propose
from trainer.dataset.verify import verify
from trainer.progress import Silent, Terminal

FILTERS: dict[str, dict[str, Any]] = {"plain": {}, "filtered": {"Smoothing": 3, "Blur": 3}}
DRAWN = 12_000


def main(description: str | None) -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path, nargs="?")
    packing.add_argument("--pairs", type=int, default=3)
    packing.add_argument("--trusting", action="store_true", help="the loop has PIL verify nothing")
    packing.set_defaults(run=lambda given: time_packing(given.folder, given.pairs, verifies=not given.trusting))
    verifying = commands.add_parser("verify")
    verifying.add_argument("folder", type=Path)
    verifying.add_argument("--count", type=int, default=50_000)
    verifying.set_defaults(run=lambda given: time_verifying(given.folder, given.count))
    arguments = parser.parse_args()
    arguments.run(arguments)


def time_verifying(folder: Path, count: int) -> None:
    """Draw what is missing, verify everything, and print the seconds."""
    draw(folder, count)
    config = config_of(folder, {})
    start = time.perf_counter()
    report = verify(config, Terminal())
    took = time.perf_counter() - start
    print(
        f"{len(report.scan.train):,} pictures, {parallel.worker_count(None)} cores: {took:.1f} s, "
        f"{len(report.errors)} errors",
        flush=True,
    )


def time_packing(folder: Path | None, pairs: int, *, verifies: bool) -> None:
    """Pack in both ways, in turns, and print the ratios."""
    tensorflow()
    with tempfile.TemporaryDirectory() as place:
        pictures = folder or draw(Path(place, "pictures"), DRAWN)
        count = sum(1 for _ in pictures.iterdir())
        print(f"{count:,} pictures, {parallel.worker_count(None)} cores, {pairs} pairs", flush=True)
        for name, steps in FILTERS.items():
            config = config_of(pictures, steps)
            loop = functools.partial(pil_loop, config, verifies=verifies)
            ratios = [compare(name, config, loop, count, Path(place, f"{name}{pair}")) for pair in range(pairs)]
            print(f"{name}: median {statistics.median(ratios):.2f} times as fast as the loop", flush=True)


def compare(name: str, config: TrainConfig, loop: Callable[[Path], None], count: int, place: Path) -> float:
    """Pack in both ways, into a folder of its own, and return how many times as fast packing is."""
    place.mkdir()
    looped = seconds(functools.partial(loop, place / "loop.tfrecords"))
    packed = seconds(functools.partial(pack.pack, config, Silent(), root=place))
    print(f"  {name}: loop {count / looped:,.0f}/s, pack {count / packed:,.0f}/s", flush=True)
    return looped / packed


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pil_loop(config: TrainConfig, output: Path, *, verifies: bool = True) -> None:
    """Pack a folder with PIL, one picture after the other."""
    tf = tensorflow()
    seen: set[str] = set()
    with tf.io.TFRecordWriter(str(output)) as train, tf.io.TFRecordWriter(f"{output}.test") as test:
        for path in sorted(Path(config.System.train_paths[0]).iterdir()):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if verifies:
                Image.open(io.BytesIO(content)).verify()
            pixels = pil_steps(content, config).tobytes()
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


def pil_steps(content: bytes, config: TrainConfig) -> Image.Image:
    """Decode and pretreat a picture with PIL alone."""
    steps = config.Pretreatment
    picture: Image.Image = Image.open(io.BytesIO(content))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("L")
    if steps.Smoothing > 0:
        picture = picture.filter(ImageFilter.MedianFilter(steps.Smoothing))
    if steps.Blur > 0:
        picture = picture.filter(ImageFilter.GaussianBlur(0.8))
    if picture.size != config.input_size:
        picture = picture.resize(config.input_size, Image.Resampling.BILINEAR)
    return picture


def tensorflow() -> Any:  # noqa: ANN401 - a module
    """Return tensorflow; late, for verifying needs none."""
    import tensorflow as tf  # noqa: PLC0415

    return tf


def config_of(folder: Path, steps: dict[str, Any]) -> TrainConfig:
    """Return a config that packs a folder; with filters, to three quarters of its size."""
    proposal = propose(folder)
    width, height = proposal.size
    tree = {
        "System": {"TrainsPath": str(folder), "TrainRegex": proposal.regex},
        "Model": {
            "ModelName": "packing",
            "CharSet": list(proposal.symbols),
            "ImageWidth": width,
            "ImageHeight": height,
        },
        "Pretreatment": steps | ({"Resize": [width * 3 // 4, height * 3 // 4]} if steps else {}),
    }
    return validate(TrainConfig, tree, "benchmark")


def draw(folder: Path, count: int) -> Path:
    """Write pictures of four digits unless they are there: 160x60 in colour, drawn faster than `synth` draws."""
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in folder.iterdir()}
    rng = np.random.default_rng(0)
    for number in range(count):
        label = f"{number % 10_000:04}"
        name = f"{label}_{number:06}.png"
        if name in there:
            continue
        picture = np.full((60, 160, 3), rng.integers(225, 245, 3), np.uint8)
        for place, digit in enumerate(label):
            origin = (8 + 38 * place, 44 + int(rng.integers(-6, 7)))
            cv2.putText(picture, digit, origin, cv2.FONT_HERSHEY_SIMPLEX, 1.5, rng.integers(0, 150, 3).tolist(), 3)
        spots = rng.integers(0, 60 * 160, 700)
        picture.reshape(-1, 3)[spots] = rng.integers(0, 255, (700, 3))
        part = folder / ".part.png"  # a drawing that is stopped leaves no half picture under a name that counts
        Image.fromarray(cv2.GaussianBlur(picture, (3, 3), 0)).save(part)
        part.replace(folder / name)
    return folder
