"""From a complete candidate to a warm model that has read its golden pictures, or an error that says why not."""

from collections.abc import Callable
from typing import Protocol

from contract.files import sha256
from contract.spec import ModelSpec
from engine import Threads
from engine.proof import prove
from engine.reading import ReadsPixels
from serving.repository import Candidate
from serving.settings import BatchingSection
from serving.states import State


class LoadModel(Protocol):
    """Opens a model: `engine.open_model`, or what a test puts in its place."""

    def __call__(self, spec: ModelSpec, graph: bytes, /, *, threads: Threads) -> ReadsPixels:
        """Open a model from its description and the bytes of its graph.

        Args:
            spec: the description.
            graph: the bytes of its .pb.
            threads: how it shares the cores.

        Raises:
            ContractError: these bytes can never work.
        """


class TryModel(Protocol):
    """Tries a model where it can do no harm: `engine.preflight.Preflight`."""

    def __call__(self, spec: ModelSpec, graph: bytes, max_batch: int, /) -> None:
        """Try a model from its description and the bytes of its graph, up to a batch of so many pictures.

        Raises:
            ContractError: these bytes can never work.
        """

    def close(self) -> None:
        """End a trial that is under way; there will be none after it."""


class NoTrial:
    """Stands in for the trial where none is wanted."""

    def __call__(self, spec: ModelSpec, graph: bytes, max_batch: int, /) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class ChangedError(Exception):
    """The graph is not the one that the scan saw; the next scan will tell."""


def prepare(
    candidate: Candidate,
    load_model: LoadModel,
    batching: BatchingSection,
    enter: Callable[[State, str], None],
    try_model: TryModel,
) -> ReadsPixels:
    """Load a complete candidate and prove it. The bytes that are checked are the bytes that are loaded.

    Args:
        candidate: in stage DISCOVERED.
        load_model: opens it.
        batching: how it will be run.
        enter: told of each state with a reason.
        try_model: tries it first.

    Raises:
        ContractError: these bytes can never work.
        ChangedError: the graph has changed since the scan.
        Exception: anything else that goes wrong, and may go right later.
    """
    spec, path = candidate.spec, candidate.graph
    if spec is None or path is None:
        raise ChangedError(f"{candidate.path.name} is not complete")
    enter(State.VALIDATING, f"reading and trying {path.name}")
    graph = path.read_bytes()
    if sha256(graph) != spec.Graph.SHA256:
        raise ChangedError(f"{path.name} has changed while it was read")
    try_model(spec, graph, batching.MaxBatch)
    enter(State.LOADING, f"{len(graph):,} bytes")
    reader = load_model(spec, graph, threads=batching.layout)
    # A run of the largest batch would hold up the requests that are served meanwhile: once is enough.
    largest = batching.MaxBatch if isinstance(try_model, NoTrial) else 1
    try:
        enter(State.WARMING, f"batches of 1 to {largest}, {len(spec.Golden)} golden pictures")
        prove(reader, largest)
    except BaseException:
        reader.close()
        raise
    return reader
