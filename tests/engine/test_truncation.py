"""T2: a graph is a list of nodes, so each of its beginnings that ends on a node is a graph too, and must be refused."""

import random
from collections.abc import Iterator

import pytest

from contract.files import sha256
from engine.errors import DigestError, GraphError
from tests.conftest import Artifact

_NODE = 1  # number of the field of GraphDef


def fields(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield (number, end) of each field of a protobuf message that has varints and length-delimited fields only."""
    at = 0
    while at < len(content):
        tag, at = varint(content, at)
        value, at = varint(content, at)
        at += value if tag & 7 == 2 else 0
        yield tag >> 3, at


def varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def test_a_graph_cut_off_after_any_of_its_nodes_is_refused(artifact: Artifact) -> None:
    import engine  # noqa: PLC0415 - the artifact has set tensorflow up

    ends = [end for number, end in fields(artifact.graph) if number == _NODE]
    assert len(ends) > 50
    for end in ends:
        cut = artifact.graph[:end]
        section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(cut)})  # as if the digest were no help
        with pytest.raises(GraphError, match="no version field"):
            engine.open_model(artifact.spec.model_copy(update={"Graph": section}), cut)


def test_a_graph_cut_off_anywhere_is_refused_with_and_without_its_digest(artifact: Artifact) -> None:
    from engine.graph import parse_checked  # noqa: PLC0415 - the artifact has set tensorflow up

    lengths = random.Random(2).sample(range(len(artifact.graph)), 1000)
    for length in [*lengths, len(artifact.graph) - 1]:
        cut = artifact.graph[:length]
        with pytest.raises(DigestError):
            parse_checked(cut, artifact.spec)
        section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(cut)})
        with pytest.raises(GraphError, match=r"cut off|no version field|the graph is empty"):
            parse_checked(cut, artifact.spec.model_copy(update={"Graph": section}))
    assert parse_checked(artifact.graph, artifact.spec).node  # complete
