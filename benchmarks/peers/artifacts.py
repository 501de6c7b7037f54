"""The one network that stands behind every server: CNN5-H64 for 150x50 pictures, in float32 and in bfloat16."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.releases import SIZE, drawn
from contract.files import sha256
from contract.spec import Arithmetic, GraphSection, ModelSpec, dump
from trainer.config import TrainConfig
from trainer.framework import import_keras

ARITHMETICS: tuple[Arithmetic, ...] = ("float32", "bfloat16")


@dataclass(frozen=True)
class Stage:
    """What the servers are given.

    Attributes:
        folder: holds float32/ and bfloat16/, each with graph/ and model/ as the platform wants them, and peer/.
        picture: a PNG of 8 KB.
    """

    folder: Path
    picture: bytes

    def body(self, *, several: bool) -> Path:
        """Return a file with the JSON of a request: the picture in base64, in a list if `several`."""
        text = base64.b64encode(self.picture).decode()
        path = self.folder / f"body-{several}.json"
        path.write_text(json.dumps({"image": [text] if several else text}), "ascii")
        return path


def build(folder: Path) -> Stage:
    """Export the network with random weights into a folder."""
    import_keras()
    from trainer.export.graph import inference_graph  # noqa: PLC0415 - these import keras
    from trainer.network.build import build as build_network  # noqa: PLC0415

    tree = {
        "System": {"TrainsPath": "nowhere"},
        "NeuralNet": {"CNNNetwork": "CNN5", "HiddenNum": 64},
        "Model": {"ModelName": "bench", "CharSet": "ALPHANUMERIC_LOWER", "ImageWidth": SIZE[0], "ImageHeight": SIZE[1]},
    }
    config = TrainConfig.model_validate(tree)
    network = build_network(config)
    random = np.random.default_rng(0)
    kernel = network.get_layer("logits").kernel
    kernel.assign(random.normal(0, 3, kernel.shape))
    for weight in network.weights:
        if weight.name in {"beta", "bias"}:  # as after a training: tensorflow leaves out what adds nothing but zeros
            weight.assign(weight + random.normal(0, 0.05, weight.shape))
    for precision in ARITHMETICS:
        graph = inference_graph(network, precision)
        section = GraphSection(File="bench.pb", SHA256=sha256(graph), Precision=precision)
        spec = ModelSpec(Model=config.Model, Pretreatment=config.Pretreatment, Graph=section)
        for name, content in (("graph/bench.pb", graph), ("model/bench.yaml", dump(spec))):
            path = folder / precision / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    peer = folder / "peer"
    peer.mkdir()
    (peer / "model.pb").write_bytes((folder / "float32/graph/bench.pb").read_bytes())
    (peer / "symbols.txt").write_text("".join(spec.charset.symbols), "utf-8")
    return Stage(folder, drawn(0, SIZE))
