"""The versions that the service under test is given."""

import io
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

import engine
from contract.files import sha256, write_atomically
from contract.measured import GoldenPicture
from contract.spec import GraphSection, ModelSpec, dump
from trainer.config import TrainConfig
from trainer.framework import import_keras

SIZE = (150, 50)
PICTURES = 64
GOLDEN = 8  # the default of Export.Golden


@dataclass(frozen=True)
class Release:
    """A version, ready to be published: to write its YAML takes time that the service in this process would lack.

    Attributes:
        name: of the YAML without its ending.
        version: of the model.
        file: name of the graph.
        graph: its bytes.
        description: bytes of the YAML.
    """

    name: str
    version: str
    file: str
    graph: bytes
    description: bytes

    @classmethod
    def of(cls, spec: ModelSpec, graph: bytes, number: int, file: str) -> "Release":
        """Make version 1.`number` of a model."""
        version = f"1.{number}"
        model = spec.Model.model_copy(update={"Version": version})
        section = spec.Graph.model_copy(update={"File": file})
        spec = spec.model_copy(update={"Model": model, "Graph": section})
        return cls(model.ModelName, version, file, graph, dump(spec))

    def publish(self, folder: Path) -> None:
        """Put it into the folders."""
        write_atomically(folder / "graph" / self.file, self.graph)
        write_atomically(folder / "model" / f"{self.name}.yaml", self.description)


@dataclass(frozen=True)
class Artifacts:
    """Two models of one name that read differently, to take over from each other.

    Attributes:
        pictures: to read.
        pairs: description and graph of each.
        texts: of all pictures, by each.
    """

    pictures: list[bytes]
    pairs: list[tuple[ModelSpec, bytes]]
    texts: list[list[str]]

    @classmethod
    def random(cls) -> "Artifacts":
        """Build two networks with random weights."""
        tree = {
            "System": {"TrainsPath": "nowhere"},
            "NeuralNet": {"CNNNetwork": "CNN5", "HiddenNum": 64},
            "Model": {"ModelName": "bench", "CharSet": "NUMERIC", "ImageWidth": SIZE[0], "ImageHeight": SIZE[1]},
        }
        config = TrainConfig.model_validate(tree)
        # In a process of their own: the service has no keras, whose objects and memory would be measured with it.
        with get_context("spawn").Pool(1) as child:
            return cls._of(child.starmap(exported, [(config, seed) for seed in (0, 1)]))

    @classmethod
    def read(cls, folder: Path) -> "Artifacts":
        """Take the model of a folder, twice."""
        from contract import spec as specs  # noqa: PLC0415 - only for this

        path = next((folder / "model").glob("*.yaml"))
        spec = specs.read(path)
        return cls._of([(spec, (folder / "graph" / spec.Graph.File).read_bytes())] * 2)

    @classmethod
    def _of(cls, pairs: list[tuple[ModelSpec, bytes]]) -> "Artifacts":
        size = (pairs[0][0].Model.ImageWidth, pairs[0][0].Model.ImageHeight)
        pictures = [drawn(seed, size) for seed in range(PICTURES)]
        texts = []
        for spec, graph in pairs:
            recognizer = engine.open_model(spec, graph)
            texts.append([reading.text for reading in recognizer.read(pictures)])
            recognizer.close()
        proven = [
            (spec.model_copy(update={"Golden": golden(pictures, read)}), graph)
            for (spec, graph), read in zip(pairs, texts, strict=True)
        ]
        return cls(pictures, proven, texts)

    def release(self, number: int) -> "Release":
        """Return one of the two as version 1.`number`."""
        return Release.of(*self.pairs[number % 2], number, f"{number % 2}.pb")

    def agree(self, index: int, version: str, text: str) -> bool:
        """Tell whether this version reads this picture so."""
        return self.texts[int(version.partition(".")[2]) % 2][index % len(self.pictures)] == text


def exported(config: TrainConfig, seed: int) -> tuple[ModelSpec, bytes]:
    """Export a network whose random scores tell pictures apart."""
    import_keras()
    from trainer.export.graph import inference_graph  # noqa: PLC0415 - these import keras
    from trainer.network.build import build  # noqa: PLC0415

    model = build(config)
    kernel = model.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(seed).normal(0, 3, kernel.shape))
    graph = inference_graph(model)
    section = GraphSection(File="bench.pb", SHA256=sha256(graph))
    return ModelSpec(Model=config.Model, Pretreatment=config.Pretreatment, Graph=section), graph


def golden(pictures: list[bytes], texts: list[str]) -> list[GoldenPicture]:
    """Return what a published model is held to, as many pictures as one usually has."""
    pairs = list(zip(pictures, texts, strict=True))[:GOLDEN]
    return [GoldenPicture(Picture=content, Text=text) for content, text in pairs]


def drawn(seed: int, size: tuple[int, int]) -> bytes:
    """Return the PNG of a picture of noise."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
