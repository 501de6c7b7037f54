"""What `accuracy.py` and `endless.py` found, as one page."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import endless


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
    "henan": Goal("nine tenths, one tenth; about 2 % of its labels are wrong, 23 of the 945 held out", "-", 0.974, 4),
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
        readings: of the held-out pictures, the best of which is `accuracy`; 0 if it is of fresh pictures.
        last: accuracy at the last reading.
        steps: of training.
        minutes: that `train` took.
        machine: where.
    """

    name: str
    seed: int
    accuracy: float
    interval: tuple[float, float]
    pictures: int
    readings: int
    last: float
    steps: int
    minutes: float
    machine: str


def results(folder: Path) -> list[Result]:
    """Return all results that are there, in the order of the goals."""
    read = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*-*.json"))]
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
        f"best of {result.readings}; last {result.last:.2%}" if result.readings else "fresh pictures",
        f"{result.minutes:.1f} min, {result.steps:,} steps",
        str(result.seed),
        "met" if met else "missed",
    )
    return f"| {' | '.join(cells)} |"


def write_page(target: Path, folder: Path) -> None:
    """Write the page of all results in a folder, with the curve of `endless.py` if it was made."""
    found = results(folder)
    heading = "| set | conditions | known before | goal | whole texts right (95 % interval) | | `train` took | seed | |"
    machines = "; ".join(sorted({result.machine for result in found}))
    lines = [
        "# How well the defaults read",
        "",
        "Made by `benchmarks/accuracy.py`: `init` and `train` without any tuning; whole texts, read by the exported",
        "graph. Drawn sets are tested on fresh pictures; real ones on those held out, by which `train` also chose the",
        f"weights, so that the last reading stands there too. Machine: {machines}.",
        "",
        heading,
        "|" + "---|" * heading.count(" |"),
        *map(line, found),
        "",
    ]
    if (folder / "endless.json").exists():
        lines += endless.page(folder / "endless.json")
        shutil.copyfile(folder / "endless.png", target.with_name("endless.png"))
    target.write_text("\n".join(lines), "utf-8")
    print(target)
