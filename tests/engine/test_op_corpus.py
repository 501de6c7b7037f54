"""T20: of all operations that TensorFlow has, those that are not on the list are refused, wherever they hide."""

from collections.abc import Callable
from typing import Any

import pytest

import engine
from contract.files import sha256
from contract.ops import ALLOWED_OPS
from engine.errors import GraphError
from engine.quiet import import_tensorflow
from tests.conftest import Artifact
from tests.engine.bombs import bomb


def forbidden() -> list[str]:
    import_tensorflow()
    from tensorflow.core.framework import op_def_pb2  # noqa: PLC0415 - late, and without keras
    from tensorflow.python.client import pywrap_tf_session as session  # noqa: PLC0415

    known = op_def_pb2.OpList.FromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
    return sorted({op.name for op in known.op} - ALLOWED_OPS)


def in_a_node(graph: Any, op: str) -> None:
    graph.node.add(name="hidden", op=op)


def in_a_function(graph: Any, op: str) -> None:
    function = graph.library.function.add()
    function.signature.name = "harmless"
    function.node_def.add(name="hidden", op=op)
    graph.node.add(name="call", op="PartitionedCall").attr["f"].func.name = "harmless"


def under_the_name_of_a_function(graph: Any, op: str) -> None:
    graph.library.function.add().signature.name = op
    graph.node.add(name="hidden", op=op)


@pytest.mark.parametrize("hide", [in_a_node, in_a_function, under_the_name_of_a_function])
def test_every_other_operation_is_refused_by_name(hide: Callable[[Any, str], None]) -> None:
    ops = forbidden()
    assert {"ReadFile", "WriteFile", "PyFunc", "RestoreV2", "DatasetFromGraph", "DebugIdentityV2"} <= set(ops)
    import tensorflow as tf  # noqa: PLC0415 - late, and without keras

    spec, content = bomb("harmless")
    accepted = []
    for op in ops:
        graph = tf.compat.v1.GraphDef.FromString(content)
        hide(graph, op)
        changed = graph.SerializeToString()
        section = spec.Graph.model_copy(update={"SHA256": sha256(changed)})
        try:
            engine.open_model(spec.model_copy(update={"Graph": section}), changed).close()
            accepted.append(op)
        except GraphError as error:
            if op not in str(error):
                accepted.append(f"{op}: {error}")
    assert accepted == []


def test_what_the_trainer_exports_is_not_refused(artifact: Artifact) -> None:
    engine.open_model(artifact.spec, artifact.graph).close()
