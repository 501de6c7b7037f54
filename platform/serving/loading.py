"""From a complete candidate to a warm model that has read its golden pictures, or an error that says why not."""

from collections.abc import Callable
from typing import Protocol

from contract.files import sha256
from contract.spec import ModelSpec
from engine import Threads
from engine.pauses import Pause
from engine.proof import prove
from engine.reading import ReadsPixels
from serving.core_settings import BatchingSection
from serving.repository import Candidate
from serving.states import State

OpenModel = Callable[[ModelSpec, bytes], ReadsPixels]
"""A `LoadModel` whose threads and pauses have been settled."""


class LoadModel(Protocol):
    """Opens a model: `engine.open_model`, or what a test puts in its place."""

    def __call__(self, spec: ModelSpec, graph: bytes, /, *, threads: Threads, pause: Pause) -> ReadsPixels:
        """Open a model from its description and the bytes of its graph.

        Args:
            spec: the description.
            graph: the bytes of its .pb.
            threads: how it shares the cores.
            pause: called between the pieces of it.

        Raises:
            ContractError: these bytes can never work.
        """


class TryModel(Protocol):
    """Tries a model where it can do no harm: `engine.preflight.Preflight`."""

    def __call__(self, spec: ModelSpec, graph: bytes, max_batch: int, /, *, yielding: bool) -> None:
        """Try a model; called from several threads, each for another model.

        Args:
            spec: the description.
            graph: the bytes of its .pb.
            max_batch: the largest batch, in pictures.
            yielding: whether everything else on the machine goes first.

        Raises:
            ContractError: these bytes can never work.
        """

    def cancel(self, spec: ModelSpec, /) -> None:
        """End the trial of a model, if it is under way: it raises."""

    def close(self) -> None:
        """End all trials that are under way; there will be none after them."""


class NoTrial:
    """Stands in for the trial where none is wanted."""

    def __call__(self, spec: ModelSpec, graph: bytes, max_batch: int, /, *, yielding: bool) -> None:
        """Do nothing."""

    def cancel(self, spec: ModelSpec, /) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class ChangedError(Exception):
    """The graph is not the one that the scan saw; the next scan will tell."""


def read(candidate: Candidate) -> tuple[ModelSpec, bytes]:
    """Return the description and the graph's bytes of a candidate in stage DISCOVERED.

    Raises:
        ChangedError: the graph has changed since the scan.
        OSError: it cannot be read.
    """
    spec, path = candidate.spec, candidate.graph
    if spec is None or path is None:
        raise ChangedError(f"{candidate.path.name} is not complete")
    graph = path.read_bytes()
    if sha256(graph) != spec.Graph.SHA256:
        raise ChangedError(f"{path.name} has changed while it was read")
    return spec, graph


def load(
    spec: ModelSpec,
    graph: bytes,
    open_model: OpenModel,
    batching: BatchingSection,
    enter: Callable[[State, str], None],
    *,
    tried: bool,
) -> ReadsPixels:
    """Load a model and prove it. The bytes that were tried are the bytes that are loaded.

    Args:
        spec: the description.
        graph: the bytes of its .pb.
        open_model: opens it.
        batching: how it will be run.
        enter: told of each state with a reason.
        tried: whether a trial has run the largest batch and read all golden pictures: here that would hold up the
            requests that are served.

    Raises:
        ContractError: these bytes can never work.
        Exception: anything else that goes wrong, and may go right later.
    """
    enter(State.LOADING, f"{len(graph):,} bytes")
    reader = open_model(spec, graph)
    known = len(spec.Golden)
    largest, golden = (1, min(1, known)) if tried else (batching.MaxBatch, known)
    try:
        enter(State.WARMING, f"batches of 1 to {largest}, {golden} of {known} golden pictures")
        prove(reader, largest, golden)
    except BaseException:
        reader.close()
        raise
    return reader
