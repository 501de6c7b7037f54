"""From a complete candidate to a warm model that has read its golden pictures, or an error that says why not."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from contract import image
from contract.errors import ContractError
from contract.files import sha256
from contract.spec import ModelSpec
from engine.reading import ReadsPixels
from serving.repository import Candidate
from serving.states import State


class LoadModel(Protocol):
    """Opens a model: `engine.open_model`, or what a test puts in its place."""

    def __call__(self, spec: ModelSpec, graph: bytes, /) -> ReadsPixels:
        """Open a model from its description and the bytes of its graph.

        Raises:
            ContractError: these bytes can never work.
        """


class GoldenError(ContractError):
    """A golden picture is read otherwise on this machine than where the model was made."""


class ChangedError(Exception):
    """The graph is not the one that the scan saw; the next scan will tell."""


def prepare(
    candidate: Candidate, load_model: LoadModel, max_batch: int, enter: Callable[[State, str], None]
) -> ReadsPixels:
    """Load a complete candidate and prove it. The bytes that are checked are the bytes that are loaded.

    Args:
        candidate: in stage DISCOVERED.
        load_model: opens it.
        max_batch: the largest batch that it will see, in pictures.
        enter: told of each state with a reason.

    Raises:
        ContractError: these bytes can never work.
        ChangedError: the graph has changed since the scan.
        Exception: anything else that goes wrong, and may go right later.
    """
    spec, path = candidate.spec, candidate.graph
    if spec is None or path is None:
        raise ChangedError(f"{candidate.path.name} is not complete")
    enter(State.VALIDATING, f"reading {path.name}")
    graph = path.read_bytes()
    if sha256(graph) != spec.Graph.SHA256:
        raise ChangedError(f"{path.name} has changed while it was read")
    enter(State.LOADING, f"{len(graph):,} bytes")
    reader = load_model(spec, graph)
    try:
        enter(State.WARMING, f"batches of 1 and {max_batch}, {len(spec.Golden)} golden pictures")
        _warm(reader, max_batch)
        _read_golden(reader)
    except BaseException:
        reader.close()
        raise
    return reader


def _warm(reader: ReadsPixels, max_batch: int) -> None:
    width, height = reader.spec.input_size
    for count in dict.fromkeys([1, max_batch]):
        reader.read_pixels(np.zeros((count, height, width, reader.spec.Pretreatment.ImageChannel), np.uint8))


def _read_golden(reader: ReadsPixels) -> None:
    spec = reader.spec
    if not spec.Golden:
        return
    pictures = [image.to_pixels(golden.Picture, spec.Pretreatment, spec.input_size) for golden in spec.Golden]
    readings = reader.read_pixels(np.stack(pictures))
    wrong = [
        f"picture {number} reads {reading.text!r} instead of {golden.Text!r}"
        for number, (golden, reading) in enumerate(zip(spec.Golden, readings, strict=True), start=1)
        if reading.text != golden.Text
    ]
    if wrong:
        raise GoldenError(f"golden pictures are misread: {'; '.join(wrong)}")
