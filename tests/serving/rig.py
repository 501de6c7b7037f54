"""Folders to publish models into, and a service without transports that moves only when it is told to."""

import io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from contract.files import sha256, write_atomically
from contract.measured import GoldenPicture
from contract.spec import GraphSection, ModelSection, ModelSpec, dump
from serving.answer import Answer, Hints
from serving.daemon import assemble
from serving.settings import Settings, load
from tests.serving.fake_engine import FakeEngine


class Shop:
    """Two folders, and models to put into them."""

    def __init__(self, root: Path) -> None:
        self.graph = root / "graph"
        self.model = root / "model"
        self.graph.mkdir()
        self.model.mkdir()

    def publish(self, name: str = "digits", version: str = "1.0", *, word: str = "", **how: object) -> ModelSpec:
        """Put a model into the folders as the trainer does: graph first, YAML last, both whole at once."""
        spec, graph = self.build(name, version, word=word, **how)
        write_atomically(self.graph / spec.Graph.File, graph)
        write_atomically(self.model / f"{how.get('file', name)}.yaml", dump(spec))
        return spec

    def build(
        self,
        name: str = "digits",
        version: str = "1.0",
        *,
        word: str = "",
        size: tuple[int, int] = (8, 4),
        sites: Sequence[str] = (),
        kind: str = "",
        file: str = "",
        golden: str | None = None,
        **orders: object,
    ) -> tuple[ModelSpec, bytes]:
        """Return a description and the bytes of its graph; `orders` say how the model misbehaves."""
        word = word or f"{name}{version}"
        graph = json.dumps({"word": word, **orders}).encode()
        expected = GoldenPicture(Picture=picture(7, size), Text=golden or f"{word}-7")
        section = GraphSection(File=f"{file or name}.pb", SHA256=sha256(graph))
        spec = spec_of(name, version, size=size, sites=sites, kind=kind)
        spec = spec.model_copy(update={"Graph": section, "Golden": [expected]})
        return spec, graph

    def remove(self, file: str = "digits") -> None:
        (self.model / f"{file}.yaml").unlink()


def spec_of(
    name: str, version: str, *, size: tuple[int, int] = (8, 4), sites: Sequence[str] = (), kind: str = ""
) -> ModelSpec:
    """Return the description of a model whose graph nobody will look at."""
    return ModelSpec(
        Model=ModelSection(
            ModelName=name,
            Version=version,
            ModelType=kind,
            Sites=list(sites),
            CharSet="NUMERIC",
            ImageWidth=size[0],
            ImageHeight=size[1],
        ),
        Graph=GraphSection(File=f"{name}.pb", SHA256="0" * 64),
    )


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Service:
    """Everything but the transports."""

    def __init__(self, shop: Shop, engine: FakeEngine, clock: Callable[[], float] | None = None, **values: Any) -> None:
        self.clock = Clock()
        self.plane, self.lifecycle = assemble(settings(shop, **values), engine, clock or self.clock)

    def step(self, times: int = 3) -> None:
        """Let some seconds pass, with a scan in each; three are enough for everything to settle and load."""
        for _ in range(times):
            self.clock.now += 1.0
            self.lifecycle.step()

    def ask(self, gray: int = 1, size: tuple[int, int] = (8, 4), **hints: str) -> Answer:
        """Put one picture to the data plane; an error is raised wherever it was found."""
        (answer,) = self.plane.recognize([picture(gray, size)], Hints(**hints))
        if answer.error:
            raise answer.error
        return answer

    def states(self) -> dict[str, str]:
        """Return "name version" to state."""
        return {f"{status.name} {status.version}".strip(): status.state for status in self.plane.models()}

    def reason(self, title: str) -> str:
        """Return why a version is in its state."""
        return next(s.reason for s in self.plane.models() if f"{s.name} {s.version}".strip() == title)


def settings(shop: Shop, **values: Any) -> Settings:
    """Return settings for these folders; keys as in `Models__Keep=1`. Each model has one worker if nothing is said."""
    values = {"Batching__Workers": 1, **values}
    pairs = [(key.replace("__", "."), json.dumps(value)) for key, value in values.items()]
    return load(None, {}, [("Folders.Graph", str(shop.graph)), ("Folders.Model", str(shop.model)), *pairs])


def picture(gray: int, size: tuple[int, int] = (8, 4)) -> bytes:
    """Return the PNG of a picture all in one gray."""
    file = io.BytesIO()
    Image.new("L", size, gray).save(file, "PNG")
    return file.getvalue()


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds; fail if it never does."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.005)
