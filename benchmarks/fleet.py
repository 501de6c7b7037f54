"""The service under test, in this process or in one of its own, and the versions that it is given."""

import io
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

import engine
from contract.files import sha256, write_atomically
from contract.spec import GoldenPicture, GraphSection, ModelSpec, dump
from engine.preflight import Preflight
from serving.answer import Answer, Hints
from serving.cli.serve import SWITCH_SECONDS
from serving.client import ClientError, HttpClient, Patience
from serving.daemon import assemble
from serving.errors import ServingError
from serving.events import Events
from serving.load.senders import Outcome, Sender
from serving.settings import load
from trainer.config import TrainConfig
from trainer.framework import import_keras

SIZE = (150, 50)
PICTURES = 64
GOLDEN = 6


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


class Service(Protocol):
    """A running service; its senders answer "version text"."""

    folder: Path

    def active(self) -> str:
        """Return the version that serves; empty if none does."""

    def sender(self) -> Sender:
        """Return a sender for one client."""

    def close(self) -> None:
        """Stop it."""


class InProcess:
    """The data plane and the loader of this process, without transports."""

    def __init__(self, folder: Path, artifacts: Artifacts, values: Mapping[str, str]) -> None:
        self.folder = folder
        self._artifacts = artifacts
        self._publish_first()
        folders = {"Folders.Graph": str(folder / "graph"), "Folders.Model": str(folder / "model")}
        settings = load(None, {}, [*folders.items(), *values.items()])
        trial = Preflight(settings.Models.trial) if settings.Models.Preflight else None
        self.plane, self.lifecycle = assemble(settings, engine.open_model, try_model=trial)
        sys.setswitchinterval(SWITCH_SECONDS)  # this and the events as the command has them
        self._events = Events([folder / "graph", folder / "model"], self.lifecycle.wake)
        self._events.__enter__()
        self.lifecycle.start()
        self._wait_for("1.0")

    def _publish_first(self) -> None:
        for name in ("graph", "model"):
            (self.folder / name).mkdir(parents=True)
        self._artifacts.release(0).publish(self.folder)

    def swap(self, number: int) -> None:
        """Publish a version and wait until it serves and the one before is gone."""
        release = self._artifacts.release(number)
        release.publish(self.folder)
        self._wait_for(release.version)

    def _wait_for(self, version: str) -> None:
        until = time.monotonic() + 300
        while [m.version for m in self.plane.models() if m.state in {"active", "draining", "standby"}] != [version]:
            if time.monotonic() > until:
                raise TimeoutError(f"{version} does not serve: {self.plane.models()}")
            time.sleep(0.005)

    def active(self) -> str:
        """Return the version that serves; empty if none does."""
        return next((model.version for model in self.plane.models() if model.state == "active"), "")

    def read(self, picture: bytes) -> Answer:
        """Read one picture."""
        (answer,) = self.plane.recognize([picture], Hints())
        if answer.error:
            raise answer.error
        return answer

    def sender(self) -> Sender:
        """Return a sender for one client."""
        return _Direct(self)

    def resident(self) -> float:
        """Return the resident memory of this process in MB."""
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * 4096 / 2**20

    def close(self) -> None:
        """Stop it."""
        self._events.__exit__(None, None, None)
        self.lifecycle.stop(30)


class OverHttp:
    """`python -m serving` in a process of its own.

    Attributes:
        url: where it answers.
    """

    def __init__(self, folder: Path, artifacts: Artifacts, values: Mapping[str, str]) -> None:
        self.folder = folder
        for name in ("graph", "model"):
            (folder / name).mkdir(parents=True)
        artifacts.release(0).publish(folder)
        words = ["--graph", str(folder / "graph"), "--model", str(folder / "model"), "--port", "0"]
        words += [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
        command = [sys.executable, "-m", "serving", *words, "--grpc-port", "off", "--log-level", "warning"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[-1]
        with self._client() as client:
            while not client.ready():
                time.sleep(0.05)

    def active(self) -> str:
        """Return the version that serves; empty if none does."""
        with self._client() as client:
            return next((model.version for model in client.models() if model.state == "active"), "")

    def _client(self) -> HttpClient:
        return HttpClient(self.url, Patience(seconds=30, retries=0))

    def sender(self) -> Sender:
        """Return a sender for one client, with a connection of its own."""
        return _Web(HttpClient(self.url, Patience(seconds=60, retries=0)))

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.communicate(timeout=60)


class _Direct:
    def __init__(self, service: InProcess) -> None:
        self._service = service

    def send(self, picture: bytes) -> Outcome:
        try:
            answer = self._service.read(picture)
        except ServingError as error:
            return Outcome(error=type(error).__name__)
        return Outcome(f"{answer.version} {answer.text}")

    def close(self) -> None:
        pass


class _Web:
    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def send(self, picture: bytes) -> Outcome:
        try:
            result = self._client.read(picture)
        except ClientError as error:
            return Outcome(error=f"{type(error).__name__} {getattr(error, 'status', '')}".strip())
        return Outcome(f"{result.version} {result.text}")

    def close(self) -> None:
        self._client.close()


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
