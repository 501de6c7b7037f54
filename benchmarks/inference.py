"""How fast an exported graph reads, against onnxruntime with the same weights.

    python benchmarks/inference.py [--rounds 6] [--json FILE]

CNN5-H64 on 150x50 pictures with 36 symbols, random weights: speed does not depend on their values, except that a bias
of zeros, as a fresh network has them, would be left out. Every candidate has a process of its own, and they take turns,
so that whatever else the machine does happens to all of them. Takes about four minutes on 2 cores; the machine should
have nothing else to do. Needs the extra `onnx`.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from contract import spec as specs
from contract.files import sha256
from contract.spec import GraphSection, ModelSpec
from contract.strict import validate
from trainer.config import TrainConfig
from trainer.export import speed
from trainer.export.speed import Speed
from trainer.framework import import_keras

SIZE = (150, 50)
HIDDEN = 64

# Of issue "The exported graph": milliseconds, megabytes, and ratios to onnxruntime's best setting.
LOAD_MS = 150
FILE_MB = 2.0
LATENCY_RATIO = 1.0
FLOAT32_RATIO = 1.0
BFLOAT16_RATIO = 1.6


def main() -> int:
    """Build the files, measure, and print the table and what became of the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="how often each measurement is made")
    parser.add_argument("--json", type=Path, help="write all figures here too")
    arguments = parser.parse_args()
    pixels = np.random.default_rng(0).integers(0, 256, (64, SIZE[1], SIZE[0], 1), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        spec, graph, onnx = build(Path(folder))
        size = graph.stat().st_size / 1e6
        chosen = list(speed.candidates(spec, graph, onnx))
        speeds = speed.compare(chosen, pixels, os.cpu_count() or 1, arguments.rounds, lambda _: None)
    print(f"CNN5-H{HIDDEN}, {SIZE[0]}x{SIZE[1]}, {size:.2f} MB, {os.cpu_count()} cores, {arguments.rounds} rounds\n")
    print(speed.table(speeds))
    print("\n".join(["", *verdicts(speeds, size)]))
    if arguments.json:
        arguments.json.write_text(json.dumps(speed.as_json(speeds), indent=2), "utf-8")
    return 0


def build(folder: Path) -> tuple[Path, Path, Path]:
    """Write model YAML, frozen graph and ONNX file of the same network."""
    import_keras()
    from trainer.export.graph import inference_graph  # noqa: PLC0415 - keras is not for the measuring processes
    from trainer.export.onnx_graph import onnx_model  # noqa: PLC0415
    from trainer.network.build import build as build_network  # noqa: PLC0415

    tree = {
        "System": {"TrainsPath": "nowhere"},
        "NeuralNet": {"HiddenNum": HIDDEN},
        "Model": {
            "ModelName": "bench",
            "CharSet": "ALPHANUMERIC_LOWER",
            "ImageWidth": SIZE[0],
            "ImageHeight": SIZE[1],
        },
    }
    config = validate(TrainConfig, tree, "benchmark")
    network = build_network(config)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(np.asarray(weight) + rng.uniform(0, 0.05, weight.shape))
    spec, graph, onnx = folder / "bench.yaml", folder / "bench.pb", folder / "bench.onnx"
    content = inference_graph(network)
    graph.write_bytes(content)
    onnx.write_bytes(onnx_model(network))
    specs.write(ModelSpec(Model=config.Model, Graph=GraphSection(File=graph.name, SHA256=sha256(content))), spec)
    return spec, graph, onnx


def verdicts(speeds: Sequence[Speed], size: float) -> list[str]:
    """Hold the figures against the targets."""
    against = dict(zip([item.name for item in speeds], speed.ratios(speeds), strict=True))
    ours = {name: pair for name, pair in against.items() if not name.startswith("onnxruntime")}
    kinds = {kind: [pair for name, pair in ours.items() if name.startswith(kind)] for kind in ("float32", "bfloat16")}
    load = min(item.loaded.milliseconds for item in speeds if not item.is_onnx)
    lines = [
        (f"load of the .pb {load:.0f} ms (at most {LOAD_MS})", load <= LOAD_MS),
        (f"float32 file {size:.2f} MB (at most {FILE_MB})", size <= FILE_MB),
    ]
    for kind, target in (("float32", FLOAT32_RATIO), ("bfloat16", BFLOAT16_RATIO)):
        if not kinds[kind]:
            lines.append((f"{kind}: this CPU does not multiply in it", True))
            continue
        latency, rate = min(pair[0] for pair in kinds[kind]), max(pair[1] for pair in kinds[kind])
        lines.append(
            (f"{kind} single-picture p50 {latency:.2f} of onnxruntime's (at most {LATENCY_RATIO})", latency <= 1)
        )
        lines.append((f"{kind} throughput {rate:.2f} of onnxruntime's (at least {target})", rate >= target))
    return [f"{'met   ' if met else 'MISSED'}  {sentence}" for sentence, met in lines]


if __name__ == "__main__":
    raise SystemExit(main())
