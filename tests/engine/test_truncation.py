"""T2: a graph is a list of nodes, so each of its beginnings that ends on a node is a graph too, and must be refused."""

from collections.abc import Iterator

import pytest

from contract.files import sha256
from engine.errors import GraphError
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
