"""T3: however a model is copied into the folders, each content is loaded once, and whole."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.spec import dump
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop

Copy = Callable[[Path, bytes, random.Random], Iterator[None]]


def slowly(path: Path, content: bytes, rng: random.Random) -> Iterator[None]:
    """Like `cp` over a slow network: in place, in pieces."""
    path.write_bytes(b"")
    at = 0
    while at < len(content):
        piece = content[at : at + rng.randint(1, 1 + len(content) // 3)]
        with path.open("ab") as file:
            file.write(piece)
        at += len(piece)
        yield


def aside(path: Path, content: bytes, rng: random.Random) -> Iterator[None]:
    """Like `rsync`: under another name in the same folder, then renamed."""
    hidden = path.with_name(f".{path.name}.{rng.randrange(10**6):06}")
    yield from slowly(hidden, content, rng)
    hidden.replace(path)
    yield


def anew(path: Path, content: bytes, rng: random.Random) -> Iterator[None]:
    """Like some editors: the old file is removed just before."""
    path.unlink(missing_ok=True)
    yield from slowly(path, content, rng)


def dated(path: Path, content: bytes, rng: random.Random) -> Iterator[None]:
    """Like `cp -p` of an older file."""
    yield from slowly(path, content, rng)
    os.utime(path, (rng.randrange(10**9), rng.randrange(10**9)))
    yield


def elsewhere(path: Path, content: bytes, _rng: random.Random) -> Iterator[None]:
    """Like `mv` from beside the folders."""
    waiting = path.parent.parent / "waiting"
    waiting.write_bytes(content)
    shutil.move(waiting, path)
    yield


def interleaved(writers: list[Iterator[None]], rng: random.Random) -> Iterator[None]:
    while writers:
        writer = rng.choice(writers)
        if next(writer, writers) is writers:
            writers.remove(writer)
        yield


@pytest.mark.parametrize("order", ["graph first", "yaml first", "both at once"])
@pytest.mark.parametrize("copy", [slowly, aside, anew, dated, elsewhere])
def test_each_content_is_loaded_exactly_once(
    service: Service, shop: Shop, engine: FakeEngine, copy: Copy, order: str
) -> None:
    rng = random.Random(f"{copy.__name__} {order}")
    shop.publish(version="1.0")
    service.step()
    expected = ["digits1.0"]
    for version in ["1.1", "2.0", "1.5", "1.6"]:  # up, up, a step back by copying an older pair, and up
        spec, graph = shop.build(version=version)
        pair = [(shop.graph / spec.Graph.File, graph), (shop.model / "digits.yaml", dump(spec))]
        writers = [copy(path, content, rng) for path, content in pair]
        if order == "both at once":
            steps = interleaved(writers, rng)
        else:
            ordered = writers if order == "graph first" else writers[::-1]
            steps = (step for writer in ordered for step in writer)
        for _ in steps:
            service.step(rng.choice([0, 0, 1]))
            assert service.ask().text in {f"{word}-1" for word in [expected[-1], f"digits{version}"]}
        service.step()
        expected.append(f"digits{version}")
        assert service.ask().text == f"digits{version}-1"
    assert engine.loads == expected


def test_a_yaml_that_is_rewritten_while_its_graph_grows_counts_as_it_is_at_the_end(
    service: Service, shop: Shop, engine: FakeEngine
) -> None:
    rng = random.Random(0)
    first, _ = shop.build(version="1.0")
    spec, graph = shop.build(version="2.0")
    for number, _ in enumerate(slowly(shop.graph / spec.Graph.File, graph, rng)):
        (shop.model / "digits.yaml").write_bytes(dump(spec if number % 2 else first))
        service.step(1)
    (shop.model / "digits.yaml").write_bytes(dump(spec))
    service.step()
    assert (engine.loads, service.ask().version) == (["digits2.0"], "2.0")
