"""How fast the default network learns from pictures without end, beside the published curves of captcha_break.

    python benchmarks/endless.py --work DIR [--pictures 1000000] [--seed 0]

Draws as captcha_break does: the captcha package, four of 0-9A-Z, 192x64, no picture twice; everything else is the
defaults of `train`. The curve is the accuracy of whole texts on the same 12,800 pictures that training never sees,
read every 64,000 pictures, and so many were read there after each 128,000. Repeated after an interruption it goes on
where that one stopped. Writes DIR/results/endless.{csv,json,png}; `benchmarks/accuracy.py --page` takes them in.

The published points are those of the notebooks' recorded outputs; the version of the captcha package was 0.3, whose
pictures equal those of 0.7.0 up to one pixel in the size of a symbol, and their learning rates do not fall within the
first million, where ours ends.
"""

import argparse
import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import yaml
from commands import machine, trainer
from matplotlib.figure import Figure

EPOCH = 64_000
BATCH = 64
TESTED = 12_800

Point = tuple[int, float]  # thousands of pictures, whole texts right in percent

PUBLISHED: dict[str, Sequence[Point]] = {
    "CNN, 128x64": ((128, 81.5), (384, 93.4), (768, 95.5), (2180, 97.8), (2560, 98.1), (3710, 98.27)),
    "CNN + BiGRU + CTC, 128x64": ((128, 83.0), (256, 92.6), (768, 95.5), (1540, 97.4), (2820, 98.2), (4220, 99.45)),
    "CNN + BiLSTM + CTC, 192x64, rate 0.001": (
        *((128, 0.0), (256, 0.0), (384, 0.0), (512, 0.15), (640, 81.5), (1150, 94.2), (1280, 95.2), (1790, 97.7)),
        *((2300, 98.1), (3580, 99.05), (5760, 99.57)),
    ),
    "CNN + BiLSTM + CTC, 192x64, rate 0.0001": (
        *((128, 57.2), (256, 90.8), (768, 95.6), (1150, 97.05), (2050, 98.3), (3460, 99.09), (5120, 99.57)),
    ),
}


@dataclass(frozen=True)
class Curve:
    """How the training went.

    Attributes:
        points: after each reading.
        accuracy: of the exported graph, whole texts right, 0..1.
        interval: its 95 % Wilson interval.
        minutes: of training, wherever it was interrupted.
        machine: where.
    """

    points: Sequence[Point]
    accuracy: float
    interval: tuple[float, float]
    minutes: float
    machine: str


def main() -> None:
    """Train, or go on with it, and write the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1_000_000, help="to learn from (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    work: Path = arguments.work.resolve()
    for folder in ("configs", "results"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    config = work / "configs" / "endless.yaml"
    config.write_text(yaml.safe_dump(conditions(arguments.pictures, arguments.seed), sort_keys=False), "utf-8")
    trainer(work, "train", str(config))
    curve = read(work / "out" / "endless")
    results = work / "results"
    shutil.copyfile(work / "out" / "endless" / "run" / "history.csv", results / "endless.csv")
    (results / "endless.json").write_text(json.dumps(vars(curve), indent=1), "utf-8")
    draw(curve, results / "endless.png")
    print(section(curve))


def conditions(pictures: int, seed: int) -> dict[str, dict[str, object]]:
    """Return the config: captcha_break's pictures, and our defaults."""
    epochs = -(-pictures // EPOCH)
    return {
        "System": {"TrainsPath": "synthetic", "TestSetNum": TESTED, "Seed": seed},
        "Synthetic": {"Length": 4, "Epoch": EPOCH},
        "Trains": {"MaxEpochs": epochs, "BatchSize": BATCH, "ValidationSteps": EPOCH // BATCH},
        "Model": {"ModelName": "endless", "CharSet": "ALPHANUMERIC_UPPER", "ImageWidth": 192, "ImageHeight": 64},
    }


def read(output: Path) -> Curve:
    """Return what came of a training."""
    metrics = yaml.safe_load(next((output / "model").glob("*.yaml")).read_text("utf-8"))["Metrics"]
    with (output / "run" / "history.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    points = [(int(line["step"]) * BATCH // 1000, 100 * float(line["accuracy"])) for line in lines]
    low, high = metrics["AccuracyInterval"]
    return Curve(points, metrics["Accuracy"], (low, high), float(lines[-1]["seconds"]) / 60, machine())


def draw(curve: Curve, target: Path) -> None:
    """Draw the curve beside the published ones: share of texts that are wrong, on a logarithmic scale."""
    mpl.use("Agg")
    figure = Figure(figsize=(9, 5), dpi=110, layout="constrained")
    axes = figure.subplots()
    for name, points in PUBLISHED.items():
        axes.plot(*zip(*wrong(points), strict=True), marker="o", markersize=3, linewidth=0.8, alpha=0.7, label=name)
    axes.plot(*zip(*wrong(curve.points), strict=True), marker="s", markersize=4, linewidth=2, color="k", label="ours")
    axes.set(xscale="log", yscale="log", xlabel="thousands of pictures", ylabel="whole texts wrong, %")
    axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50, 100], labels=["0.5", "1", "2", "5", "10", "20", "50", "100"])
    axes.set_xticks(
        [64, 128, 256, 512, 1024, 2048, 4096], labels=["64", "128", "256", "512", "1,024", "2,048", "4,096"]
    )
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(target)


def wrong(points: Sequence[Point]) -> list[Point]:
    """Return what is wrong where `points` have what is right."""
    return [(pictures, 100 - right) for pictures, right in points]


def section(curve: Curve) -> str:
    """Return the curve as a table of Markdown: ours where they published a figure, or the reading next below it."""
    columns = sorted({pictures for points in PUBLISHED.values() for pictures, _ in points if pictures < 1_200})
    rows = {"ours: CNN5 + BLSTM + CTC, 192x64": [_at(curve.points, pictures) for pictures in columns]}
    rows |= {name: [_exactly(points, pictures) for pictures in columns] for name, points in PUBLISHED.items()}
    low, high = curve.interval
    return "\n".join(
        [
            f"| whole texts right, %, after | {' | '.join(f'{pictures:,}k' for pictures in columns)} |",
            "|---|" + "---:|" * len(columns),
            *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
            "",
            f"After {curve.points[-1][0]:,}k it reads {curve.points[-1][1]:.2f} % of {TESTED:,}. The best of these "
            f"{len(curve.points)} readings was exported: {curve.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}). "
            f"{curve.minutes:.0f} minutes of training on {curve.machine}, drawing included.",
        ]
    )


def page(result: Path) -> list[str]:
    """Return the lines of the page of results about the curve that was written to a file."""
    tree = json.loads(result.read_text("utf-8"))
    curve = Curve(**{**tree, "points": [tuple(point) for point in tree["points"]], "interval": tuple(tree["interval"])})
    return [
        "## Pictures without end",
        "",
        "Made by `benchmarks/endless.py`: the conditions of captcha_break (four of 0-9A-Z, drawn while training),",
        "beside the curves that its notebooks recorded.",
        "",
        "![share of texts that are wrong, by pictures seen](endless.png)",
        "",
        section(curve),
        "",
    ]


def _at(points: Sequence[Point], pictures: int) -> str:
    before = [point for point in points if point[0] <= pictures]
    return f"{before[-1][1]:.2f} ({before[-1][0]:,}k)" if before else ""


def _exactly(points: Sequence[Point], pictures: int) -> str:
    return next((f"{right:g}" for at, right in points if at == pictures), "")


if __name__ == "__main__":
    main()
