"""`python -m trainer bench`: how fast the exported model reads on this machine."""

import argparse
import json
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from contract import spec as specs
from contract.files import write_atomically
from engine import arithmetic
from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.errors import TrainerError
from trainer.export import speed
from trainer.export.speed import Speed
from trainer.parallel import worker_count
from trainer.progress import Terminal
from trainer.run import run_of

SUMMARY = "measure how fast the exported model reads test pictures"
EXAMPLE = "python -m trainer bench configs/model.yaml --json bench.json"

PICTURES = 256  # different ones


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="how often each measurement is made; default 3"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here too")
    parser.add_argument("--store", action="store_true", help="keep the best figures in the model YAML, as its Speed")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="the list that the set was packed without")


def run(arguments: argparse.Namespace) -> int:
    """Measure, with onnxruntime beside it if the model was exported for it, and print the table."""
    config = configs.read(arguments.config)
    folder = run_of(config.Model)
    if not folder.graph.exists():
        raise TrainerError(f"{folder.graph} is missing: train the model first")
    progress = Terminal()
    test = pack.prepare(config, progress, quarantine.read(arguments.exclude)).load("test")
    onnx = folder.in_format("onnx")
    if not onnx.exists():
        progress.say(f"{onnx} is missing: export with --format onnx to compare with onnxruntime")
    chosen = list(speed.candidates(folder.spec, folder.graph, onnx if onnx.exists() else None))
    callers = worker_count(config.System.Threads)
    rounds = max(1, arguments.rounds)
    count = len(chosen) * len(speed.jobs(callers)) * rounds
    with progress.steps("measure", count) as steps:
        pixels = np.ascontiguousarray(test.pixels[:PICTURES])
        speeds = speed.compare(chosen, pixels, callers, rounds, steps.advance)
    print(speed.table(speeds))  # noqa: T201 - the result
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.json, json.dumps(speed.as_json(speeds), indent=2).encode())
    if arguments.store:
        _store(folder.spec, speeds)
    return 0


def _store(path: Path, speeds: Sequence[Speed]) -> None:
    spec = specs.read(path)
    kept = speed.summary(speeds, arithmetic.chosen(spec, "auto"), _machine())
    specs.write(spec.model_copy(update={"Speed": kept}), path)


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():  # where the system has no better name to give
        names = re.findall(r"^model name\s*: (.+)$", listed.read_text("utf-8"), re.MULTILINE)
        processor = names[0] if names else processor
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}"
