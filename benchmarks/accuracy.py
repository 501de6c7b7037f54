"""How well the defaults read: `init` and `train` on several sets, as a user would call them.

    python benchmarks/accuracy.py SET... --work DIR [--data DIR] [--seeds 0 1 2]
    python benchmarks/accuracy.py --work DIR --page docs/RESULTS.md

Sets: `kaggle`, `henan` (DIR of --data holds kaggle_v2.zip and henan.zip, names label_hash.ext), `henan-corrected`
(labels that `suspects` lists are taken as it reads them, then trained afresh), `digits` and `alphanumeric` (drawn by
the captcha package; tested on pictures of another seed).

Accuracy is of whole texts, read by the exported graph. Sets that are drawn are tested on pictures of a third seed, from
which neither weights nor the choice among them came. The real sets have none to spare: `train` exports the best of its
readings of the pictures held out, so the page tells beside it how many readings there were and what the last one, which
nobody chose, was. Minutes are those of the whole `train` command, packing and export included. Each result is a JSON
file in DIR/results; the page is made of all that are there.
"""

import argparse
import csv
import json
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

import yaml
from commands import ROOT, machine, trainer
from results import GOALS, Result, line, write_page

import engine
from trainer.evaluation.metrics import score


def main() -> None:
    """Train the sets that are asked for, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"before --seeds: {', '.join(GOALS)}")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT.parent / "shared" / "data",
        metavar="DIR",
        help="holds kaggle_v2.zip and henan.zip (default: shared/data beside this repository, %(default)s)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the trainings (default: 0)")
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    unknown = set(arguments.sets) - set(GOALS)
    if unknown:
        parser.error(f"no such set: {', '.join(sorted(unknown))}; there are {', '.join(GOALS)}")
    work: Path = arguments.work.resolve()
    (work / "results").mkdir(parents=True, exist_ok=True)
    for name in arguments.sets:
        config = PREPARE[name](name, work, arguments.data.resolve())
        for seed in arguments.seeds:
            result = measure(name, config, seed, work)
            (work / "results" / f"{name}-{seed}.json").write_text(json.dumps(asdict(result), indent=1))
            print(line(result), flush=True)
    if arguments.page:
        write_page(arguments.page, work / "results")


def measure(name: str, config: Path, seed: int, work: Path) -> Result:
    """Train afresh with a seed, and read what came of it."""
    seeded = config.with_name(f"{name}-{seed}.yaml")
    set_keys(config, seeded, System={"Seed": seed}, Model={"ModelName": f"{name}-{seed}"})
    started = time.monotonic()
    trainer(work, "train", str(seeded), "--fresh")
    minutes = (time.monotonic() - started) / 60
    run = work / "out" / f"{name}-{seed}"
    with (run / "run" / "history.csv").open(encoding="utf-8", newline="") as file:
        history = list(csv.DictReader(file))
    spec = next((run / "model").glob("*.yaml"))
    fresh = work / "data" / f"{name}-fresh"
    read = read_fresh(spec, fresh) if fresh.exists() else read_in_training(spec)
    readings = 0 if fresh.exists() else len(history)
    last, steps = float(history[-1]["accuracy"]), int(history[-1]["step"])
    return Result(name, seed, *read, readings, last, steps, minutes, machine())


def read_in_training(spec: Path) -> tuple[float, tuple[float, float], int]:
    """Return accuracy, its interval and the number of pictures that the proof of the export wrote into the YAML."""
    metrics = yaml.safe_load(spec.read_text("utf-8"))["Metrics"]
    low, high = metrics["AccuracyInterval"]
    return metrics["Accuracy"], (low, high), metrics["Pictures"]


def read_fresh(spec: Path, folder: Path) -> tuple[float, tuple[float, float], int]:
    """Return the same of pictures that training never saw, in a folder."""
    paths = sorted(folder.iterdir())
    with closing(engine.load(spec)) as recognizer:
        texts = [reading.text for path in paths for reading in recognizer.read([path.read_bytes()])]
    read = score([path.name.split("_")[0] for path in paths], texts)
    return read.accuracy, read.interval, len(paths)


def kaggle(name: str, work: Path, data: Path) -> Path:
    """Return the config of kaggle_v2."""
    return proposed(name, work, data / "kaggle_v2.zip", System={"TestSetNum": 211})


def henan(name: str, work: Path, data: Path) -> Path:
    """Return the config of henan, unpacked: a label file can only name files."""

    def unpack(folder: Path) -> None:
        with zipfile.ZipFile(data / "henan.zip") as archive:
            archive.extractall(folder)

    return proposed(name, work, made(work / "data" / "henan", unpack))


def corrected(name: str, work: Path, data: Path) -> Path:
    """Return the config of henan with the labels that `suspects` doubts taken as it reads them."""
    doubted = henan("henan", work, data)
    labels = work / "henan-corrected.csv"
    if not labels.exists():
        trainer(work, "suspects", str(doubted))
        trainer(work, "relabel", str(doubted), "-o", str(labels))
    return proposed(name, work, labels)


def drawn(name: str, work: Path, data: Path) -> Path:  # noqa: ARG001 - the others read data
    """Return the config of a set drawn by the captcha package: pictures to choose by and fresh ones to test on."""
    charset, size, count = {"digits": ("NUMERIC", "160x60", 10_000), "alphanumeric": (LOWER, "100x60", 20_000)}[name]
    for part, pictures, seed in (("train", count, 1), ("test", 2_000, 2), ("fresh", 2_000, 3)):
        how = ["--count", str(pictures), "--charset", charset, "--length", "4", "--size", size, "--seed", str(seed)]
        made(work / "data" / f"{name}-{part}", partial(draw, work, how))
    test = str(work / "data" / f"{name}-test")
    return proposed(name, work, work / "data" / f"{name}-train", System={"TestPath": test})


def draw(work: Path, how: Sequence[str], folder: Path) -> None:
    """Draw pictures into a folder."""
    trainer(work, "synth", str(folder), *how)


def made(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder, made under another name first: what an interruption leaves must not be taken for the set."""
    if not folder.exists():
        begun = folder.with_name(f"{folder.name}.begun")
        shutil.rmtree(begun, ignore_errors=True)
        make(begun)
        begun.rename(folder)
    return folder


LOWER = "ALPHANUMERIC_LOWER"

PREPARE: dict[str, Callable[[str, Path, Path], Path]] = {
    "kaggle": kaggle,
    "henan": henan,
    "henan-corrected": corrected,
    "digits": drawn,
    "alphanumeric": drawn,
}


def proposed(name: str, work: Path, source: Path, **keys: dict[str, object]) -> Path:
    """Return what `init` proposes for some pictures; `keys` are the conditions of the set, nothing else is touched."""
    config = work / "configs" / f"{name}.yaml"
    trainer(work, "init", str(source), "-o", str(config), "--name", name, "--force")
    set_keys(config, config, **keys)
    return config


def set_keys(source: Path, target: Path, **sections: dict[str, object]) -> None:
    """Write a config with some keys set."""
    tree = yaml.safe_load(source.read_text("utf-8"))
    for section, keys in sections.items():
        tree[section] |= keys
    target.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), "utf-8")


if __name__ == "__main__":
    main()
