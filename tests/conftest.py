"""An artifact of a small network with random weights: what engine, export and serving tests feed on."""

import functools
import gc
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from contract.spec import ModelSpec, dump
from contract.strict import validate
from trainer.config import TrainConfig
from trainer.framework import import_keras

# Two threads are enough for tests, and more would only fight with other processes.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# A busy machine is no failure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@dataclass(frozen=True)
class Artifact:
    """A network and its exported form.

    Attributes:
        config: that built the network.
        model: the Keras network.
        graph: bytes of the .pb.
        spec: its description.
    """

    config: TrainConfig
    model: Any
    graph: bytes
    spec: ModelSpec

    def write(self, folder: Path, stem: str = "small_1.0") -> Path:
        """Write both files as the trainer leaves them; return the path of the YAML."""
        for name, content in (("graph", self.graph), ("model", dump(self.spec))):
            (folder / name).mkdir(parents=True, exist_ok=True)
            path = folder / name / (stem + (".pb" if name == "graph" else ".yaml"))
            path.write_bytes(content)
        return path


def small_config(**sections: dict[str, Any]) -> TrainConfig:
    """Return a config of a 48x16 digit reader; keyword arguments add keys to sections."""
    tree: dict[str, dict[str, Any]] = {
        "System": {"TrainsPath": "nowhere"},
        "NeuralNet": {"HiddenNum": 8},
        "Model": {"ModelName": "small", "CharSet": "NUMERIC", "ImageWidth": 48, "ImageHeight": 16},
    }
    for name, keys in sections.items():
        tree[name] = {**tree.get(name, {}), **keys}
    return validate(TrainConfig, tree, "test")


def scrambled(model: Any, seed: int = 0) -> Any:
    """Give a network weights that leave none of its parts without effect, batch statistics included."""
    import keras  # noqa: PLC0415 - tests without a network must not wait for it
    import numpy as np  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for weight in layer.weights:
            noise = rng.normal(0, 0.05, weight.shape)
            weight.assign(np.asarray(weight) + noise)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
            layer.gamma.assign(rng.uniform(0.5, 2, layer.gamma.shape))
    scores = model.get_layer("logits")
    scores.kernel.assign(rng.normal(0, 3, scores.kernel.shape))  # different pictures give different texts
    return model


def make_artifact(config: TrainConfig, seed: int = 0) -> Artifact:
    """Build and export a network with scrambled weights."""
    import_keras()
    import keras  # noqa: PLC0415 - tests without a network must not wait for these

    from trainer.export.graph import inference_graph, section  # noqa: PLC0415
    from trainer.network.build import build  # noqa: PLC0415

    keras.utils.set_random_seed(seed)  # the same network each time, so that no test depends on the luck of the draw
    model = scrambled(build(config), seed)
    graph = inference_graph(model)
    described = section(graph, "small_1.0.pb", config.NeuralNet)
    return Artifact(
        config, model, graph, ModelSpec(Model=config.Model, Pretreatment=config.Pretreatment, Graph=described)
    )


def shared_artifact(**sections: dict[str, Any]) -> Artifact:
    """Return `make_artifact(small_config(...))`, built once for all tests that ask for the same. Leave it as it is."""
    return _artifact_of(json.dumps(sections, sort_keys=True))


@functools.cache
def _artifact_of(sections: str) -> Artifact:
    return make_artifact(small_config(**json.loads(sections)))


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    """Return the small artifact; building it takes some seconds once."""
    return make_artifact(small_config())


@pytest.fixture(scope="module", autouse=True)
def _what_stays_is_searched_once() -> None:
    """Hide from the collector what earlier files leave for good: a model's unloading collects, for 0.3 s otherwise."""
    gc.collect()
    gc.freeze()
