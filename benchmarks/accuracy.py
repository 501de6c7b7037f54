"""How well the defaults read: `init` and `train` on several sets, as a user would call them.

    python benchmarks/accuracy.py --work DIR [--data DIR] [--seeds 0 1 2] SET...
    python benchmarks/accuracy.py --work DIR --page docs/RESULTS.md

Sets: `kaggle`, `henan` (DIR of --data holds kaggle_v2.zip and henan.zip, names label_hash.ext), `henan-corrected`
(labels that `suspects` lists are taken as it reads them, then trained afresh), `digits` and `alphanumeric` (drawn by
the captcha package; tested on pictures of another seed).

Accuracy is of whole texts, on pictures that no weight and no choice came from, from the exported graph's YAML. Minutes
are those of the whole `train` command, packing and export included. Each result is a JSON file in DIR/results; the
page is made of all that are there.
"""

import argparse
import csv
import json
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import endless
import yaml
from commands import ROOT, machine, trainer


@dataclass(frozen=True)
class Goal:
    """What a set must reach.

    Attributes:
        conditions: pictures to train and to test on.
        known: the best figure that was known before.
        accuracy: whole texts right, 0..1.
        minutes: at most, on two cores.
    """

    conditions: str
    known: str
    accuracy: float
    minutes: float


GOALS = {
    "kaggle": Goal("854 to train on, 211 to test, by content hash", "85.8 % published", 0.985, 6),
    "henan": Goal("nine tenths, one tenth; about 2.4 % of its labels are wrong", "-", 0.974, 4),
    "henan-corrected": Goal("the same with the findings of `suspects` accepted", "-", 0.998, 4),
    "digits": Goal("captcha 0.7.0, four digits, 160x60: 10,000 and 2,000 fresh", "-", 0.995, 6),
    "alphanumeric": Goal("captcha 0.7.0, four of 0-9a-z, 100x60: 20,000 and 2,000 fresh", "37 % published", 0.92, 30),
}


@dataclass(frozen=True)
class Result:
    """One training.

    Attributes:
        name: of the set.
        seed: of the training.
        accuracy: whole texts right, 0..1.
        interval: its 95 % Wilson interval.
        pictures: that were tested.
        steps: of training.
        minutes: that `train` took.
        machine: where.
    """

    name: str
    seed: int
    accuracy: float
    interval: tuple[float, float]
    pictures: int
    steps: int
    minutes: float
    machine: str


def main() -> None:
    """Train the sets that are asked for, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(GOALS))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
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
        arguments.page.write_text(page(results(work), work / "results" / "endless.json"), "utf-8")
        print(arguments.page)


def measure(name: str, config: Path, seed: int, work: Path) -> Result:
    """Train afresh with a seed, and read what came of it."""
    seeded = config.with_name(f"{name}-{seed}.yaml")
    set_keys(config, seeded, System={"Seed": seed}, Model={"ModelName": f"{name}-{seed}"})
    started = time.monotonic()
    trainer(work, "train", str(seeded), "--fresh")
    minutes = (time.monotonic() - started) / 60
    run = work / "out" / f"{name}-{seed}"
    metrics = yaml.safe_load(next((run / "model").glob("*.yaml")).read_text("utf-8"))["Metrics"]
    with (run / "run" / "history.csv").open(encoding="utf-8", newline="") as file:
        steps = int(list(csv.DictReader(file))[-1]["step"])
    low, high = metrics["AccuracyInterval"]
    return Result(name, seed, metrics["Accuracy"], (low, high), metrics["Pictures"], steps, minutes, machine())


def kaggle(name: str, work: Path, data: Path) -> Path:
    """Return the config of kaggle_v2."""
    return proposed(name, work, data / "kaggle_v2.zip", System={"TestSetNum": 211})


def henan(name: str, work: Path, data: Path) -> Path:
    """Return the config of henan, unpacked: a label file can only name files."""
    folder = work / "data" / "henan"
    if not folder.exists():
        with zipfile.ZipFile(data / "henan.zip") as archive:
            archive.extractall(folder)
    return proposed(name, work, folder)


def corrected(name: str, work: Path, data: Path) -> Path:
    """Return the config of henan with the labels that `suspects` doubts taken as it reads them."""
    doubted = henan("henan", work, data)
    labels = work / "henan-corrected.csv"
    if not labels.exists():
        trainer(work, "suspects", str(doubted))
        trainer(work, "relabel", str(doubted), "-o", str(labels))
    return proposed(name, work, labels)


def drawn(name: str, work: Path, data: Path) -> Path:  # noqa: ARG001 - the others read data
    """Return the config of a set drawn by the captcha package, with fresh pictures to test on."""
    charset, size, count = {"digits": ("NUMERIC", "160x60", 10_000), "alphanumeric": (LOWER, "100x60", 20_000)}[name]
    for part, pictures, seed in (("train", count, 1), ("test", 2_000, 2)):
        folder = work / "data" / f"{name}-{part}"
        if not folder.exists():
            how = ["--charset", charset, "--length", "4", "--size", size, "--seed", str(seed)]
            trainer(work, "synth", str(folder), "--count", str(pictures), *how)
    test = str(work / "data" / f"{name}-test")
    return proposed(name, work, work / "data" / f"{name}-train", System={"TestPath": test})


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


def results(work: Path) -> list[Result]:
    """Return all results that are there, in the order of the goals."""
    read = [json.loads(path.read_text("utf-8")) for path in sorted((work / "results").glob("*.json"))]
    found = [Result(**{**tree, "interval": tuple(tree["interval"])}) for tree in read]
    return sorted(found, key=lambda result: (list(GOALS).index(result.name), result.seed))


def line(result: Result) -> str:
    """Return a result as a line of the table."""
    goal = GOALS[result.name]
    low, high = result.interval
    met = result.accuracy >= goal.accuracy and result.minutes <= goal.minutes
    cells = (
        result.name,
        goal.conditions,
        goal.known,
        f"≥ {goal.accuracy:.1%} in ≤ {goal.minutes:.0f} min",
        f"{result.accuracy:.2%} of {result.pictures:,} ({low:.2%} to {high:.2%})",
        f"{result.minutes:.1f} min, {result.steps:,} steps",
        str(result.seed),
        "met" if met else "missed",
    )
    return f"| {' | '.join(cells)} |"


def page(found: Sequence[Result], curve: Path) -> str:
    """Return the page of all results, with the curve of `endless.py` if it was made."""
    heading = "| set | conditions | known before | goal | whole texts right (95 % interval) | `train` took | seed | |"
    machines = "; ".join(sorted({result.machine for result in found}))
    lines = [
        "# How well the defaults read",
        "",
        "Made by `benchmarks/accuracy.py`: `init` and `train` without any tuning; accuracy is the",
        f"exported graph's, on pictures held out. Machine: {machines}.",
        "",
        heading,
        "|" + "---|" * heading.count(" |"),
        *map(line, found),
        "",
    ]
    if curve.exists():
        lines += endless.page(curve)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
