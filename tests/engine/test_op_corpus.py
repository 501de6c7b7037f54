"""T20: of all operations that TensorFlow has, those that are not on the list are refused, wherever they hide."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import engine
from contract.files import sha256
from contract.ops import ALLOWED_OPS
from contract.spec import ModelSpec
from engine.errors import GraphError
from engine.quiet import import_tensorflow
from tests.conftest import Artifact
from tests.engine.bombs import bomb

# The operations on the list that call functions, with the attributes that name them.
CALLERS = {
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
    "While": ("cond", "body"),
    "StatelessWhile": ("cond", "body"),
    "PartitionedCall": ("f",),
    "StatefulPartitionedCall": ("f",),
}


DANGEROUS = ("ReadFile", "WriteFile", "PyFunc", "RestoreV2", "DatasetFromGraph", "DebugIdentityV2")


def forbidden() -> list[str]:
    import_tensorflow()
    from tensorflow.core.framework import op_def_pb2  # noqa: PLC0415 - late, and without keras
    from tensorflow.python.client import pywrap_tf_session as session  # noqa: PLC0415

    known = op_def_pb2.OpList.FromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
    return sorted({op.name for op in known.op} - ALLOWED_OPS)


def in_a_node(graph: Any, op: str) -> None:
    graph.node.add(name="hidden", op=op)


def in_a_function(graph: Any, op: str) -> None:
    function(graph, "harmless").node_def.add(name="hidden", op=op)
    call(graph.node, "PartitionedCall", "harmless")


def under_the_name_of_a_function(graph: Any, op: str) -> None:
    function(graph, op)
    graph.node.add(name="hidden", op=op)


def as_a_branch(caller: str) -> Callable[[Any, str], None]:
    return lambda graph, op: call(graph.node, caller, op)


def as_a_branch_in_a_function(graph: Any, op: str) -> None:
    call(function(graph, "harmless").node_def, "If", op)
    call(graph.node, "PartitionedCall", "harmless")


def as_a_branch_with_the_name_of_a_function(graph: Any, op: str) -> None:
    function(graph, op)
    call(graph.node, "If", op)


def as_a_gradient(graph: Any, op: str) -> None:
    function(graph, "harmless")
    graph.library.gradient.add(function_name="harmless", gradient_func=op)


def as_a_registered_gradient(graph: Any, op: str) -> None:
    graph.library.registered_gradients.add(registered_op_type="Relu", gradient_func=op)


def function(graph: Any, name: str) -> Any:
    added = graph.library.function.add()
    added.signature.name = name
    return added


def call(nodes: Any, caller: str, name: str) -> Any:
    node = nodes.add(name="call", op=caller)
    for attribute in CALLERS[caller]:
        node.attr[attribute].func.name = name
    if len(CALLERS[caller]) > 1:  # without it tensorflow looks among the functions only
        node.attr["_lower_using_switch_merge"].b = True
    return node


@pytest.mark.parametrize("hide", [in_a_node, in_a_function, under_the_name_of_a_function, as_a_branch("If")])
def test_every_other_operation_is_refused_by_name(hide: Callable[[Any, str], None]) -> None:
    ops = forbidden()
    assert set(DANGEROUS) <= set(ops)
    assert accepted(hide, ops) == []


@pytest.mark.parametrize(
    "hide",
    [
        *[pytest.param(as_a_branch(caller), id=f"as_a_branch_of_{caller}") for caller in CALLERS],
        as_a_branch_in_a_function,
        as_a_branch_with_the_name_of_a_function,
        as_a_gradient,
        as_a_registered_gradient,
    ],
)
def test_no_dangerous_operation_can_be_named_as_a_function(hide: Callable[[Any, str], None]) -> None:
    assert accepted(hide, DANGEROUS) == []


def accepted(hide: Callable[[Any, str], None], ops: Sequence[str]) -> list[str]:
    """Hide each operation in a graph of its own; return those that were not refused by name."""
    definition, spec = harmless()
    found = []
    for op in ops:
        graph = type(definition)()
        graph.CopyFrom(definition)
        hide(graph, op)
        problem = refusal(graph, spec)
        if op not in problem:
            found.append(f"{op}: {problem}")
    return found


def harmless() -> tuple[Any, ModelSpec]:
    spec, content = bomb("harmless")
    import tensorflow as tf  # noqa: PLC0415 - late, and without keras

    return tf.compat.v1.GraphDef.FromString(content), spec


def refusal(graph: Any, spec: ModelSpec) -> str:
    """Return why a graph is refused by the checks that come before tensorflow's own; nothing if they let it pass."""
    from engine.graph import parse_checked  # noqa: PLC0415 - late, and without keras

    content = graph.SerializeToString()
    section = spec.Graph.model_copy(update={"SHA256": sha256(content)})
    try:
        parse_checked(content, spec.model_copy(update={"Graph": section}))
    except GraphError as error:
        return str(error)
    return ""


def test_the_callers_are_all_the_operations_on_the_list_that_can_name_a_function() -> None:
    import_tensorflow()
    from tensorflow.python.framework import op_def_registry  # noqa: PLC0415 - late, and without keras

    named = {
        op: tuple(attribute.name for attribute in op_def_registry.get(op).attr if "func" in attribute.type)
        for op in ALLOWED_OPS
    }
    assert {op: attributes for op, attributes in named.items() if attributes} == CALLERS


def with_a_name_in_a_list(graph: Any) -> None:
    graph.node[0].attr["_output_shapes"].list.func.add().name = "harmless"


def with_a_value_of_the_caller(graph: Any) -> None:
    node = call(function(graph, "outer").node_def, "If", "harmless")
    node.attr["then_branch"].placeholder = "branch"


def with_a_value_for_the_called(graph: Any) -> None:
    call(graph.node, "PartitionedCall", "harmless").attr["f"].func.attr["branch"].func.name = "harmless"


def with_a_parameter(graph: Any) -> None:
    function(graph, "outer").signature.attr.add(name="branch", type="func")


def with_a_name_as_text(graph: Any) -> None:
    call(graph.node, "PartitionedCall", "harmless").attr["f"].s = b"harmless"


def with_settings(graph: Any) -> None:
    call(graph.node, "PartitionedCall", "harmless").attr["config_proto"].s = b"\x10\x01"


def with_an_executor(graph: Any) -> None:
    call(graph.node, "StatefulPartitionedCall", "harmless").attr["executor_type"].s = b"SINGLE_THREADED_EXECUTOR"


def with_compilation(graph: Any) -> None:
    graph.node[0].attr["_XlaMustCompile"].b = True


def with_a_kernel_of_choice(graph: Any) -> None:
    graph.node[0].attr["_kernel"].s = b"experimental"


def with_an_unknown_attribute(graph: Any) -> None:
    graph.node[0].attr["extra"].i = 1


def with_a_function_that_replaces_another(graph: Any) -> None:
    function(graph, "outer").attr["api_implements"].s = b"lstm"


def with_an_argument_that_names_one(graph: Any) -> None:
    function(graph, "outer").arg_attr[0].attr["_output_shapes"].func.name = "harmless"


def with_an_object_as_constant(graph: Any) -> None:
    import tensorflow as tf  # noqa: PLC0415 - imported by then

    constant = graph.node.add(name="object", op="Const")
    constant.attr["dtype"].type = tf.variant.as_datatype_enum
    constant.attr["value"].tensor.dtype = tf.variant.as_datatype_enum


@pytest.mark.parametrize(
    "hide",
    [
        with_a_name_in_a_list,
        with_a_value_of_the_caller,
        with_a_value_for_the_called,
        with_a_parameter,
        with_a_name_as_text,
        with_settings,
        with_an_executor,
        with_compilation,
        with_a_kernel_of_choice,
        with_an_unknown_attribute,
        with_a_function_that_replaces_another,
        with_an_argument_that_names_one,
        with_an_object_as_constant,
    ],
)
def test_no_attribute_may_say_what_no_known_graph_says(hide: Callable[[Any], None]) -> None:
    graph, spec = harmless()
    function(graph, "harmless")
    assert refusal(graph, spec) == ""
    hide(graph)
    assert "attribute" in refusal(graph, spec)


def test_a_file_named_in_a_branch_is_never_written(tmp_path: Path) -> None:
    """The whole way: a graph that would run, but for the check."""
    graph, spec = harmless()
    import tensorflow as tf  # noqa: PLC0415 - imported by then

    target = tmp_path / "written"
    for name, value in (("yes", True), ("path", str(target)), ("text", "x")):
        constant = graph.node.add(name=name, op="Const")
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        constant.attr["dtype"].type = constant.attr["value"].tensor.dtype
    node = call(graph.node, "If", "WriteFile")
    node.input.extend(["yes", "path", "text"])
    node.attr["Tcond"].type = tf.bool.as_datatype_enum
    node.attr["Tin"].list.type.extend([tf.string.as_datatype_enum] * 2)
    node.attr["Tout"].list.SetInParent()
    for waiting in graph.node:
        if waiting.name in {"logits", "dense_decoded"}:
            waiting.input.append("^call")
    content = graph.SerializeToString()
    section = spec.Graph.model_copy(update={"SHA256": sha256(content)})
    with pytest.raises(GraphError, match="the function WriteFile is not in the graph's own library"):
        engine.open_model(spec.model_copy(update={"Graph": section}), content)
    assert not target.exists()


def test_what_the_trainer_exports_is_not_refused(artifact: Artifact) -> None:
    reader = engine.open_model(artifact.spec, artifact.graph)
    assert reader.spec == artifact.spec
    reader.close()
