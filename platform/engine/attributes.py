"""What the attributes of a graph may say: no function by the name of an operation, nothing that no known graph needs.

Where tensorflow looks a function up by its name, it takes an operation of that name as well: an `If` whose branch is
called WriteFile becomes a node WriteFile on its way into the session, behind the back of any list of operations. So a
name must be that of a function in the graph's own library, which no function may share with an operation; and what
else could put a name in place is refused: values that the caller of a function fills in, functions of any type,
gradients, settings of a call's own, tensors that hold objects. Attributes with an underscore are tensorflow's own
switches; the lists hold those that its control flow leaves behind, and each of them only orders or describes.
"""

import functools
from collections.abc import Iterator, Mapping

import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.function_pb2 import FunctionDef, FunctionDefLibrary
from tensorflow.python.framework import op_def_registry

_OF_NODES = frozenset(
    {
        "_class",
        "_has_manual_control_dependencies",
        "_lower_using_switch_merge",
        "_num_original_outputs",
        "_output_shapes",
        "_read_only_resource_inputs",
    }
)
_OF_FUNCTIONS = frozenset({"_construction_context", "_disable_call_shape_inference", "_input_shapes"})
_OF_ARGUMENTS = frozenset({"_output_shapes", "_user_specified_name"})
_SETTINGS_OF_CALLS = frozenset({"config", "config_proto", "executor_type"})
_OBJECTS = frozenset({tf.resource.as_datatype_enum, tf.variant.as_datatype_enum})


def attribute_problems(graph: tf.compat.v1.GraphDef) -> Iterator[str]:
    """Yield a sentence for each attribute that is not allowed, in the nodes of a graph and in its function library."""
    functions = frozenset(function.signature.name for function in graph.library.function)
    yield from _library_problems(graph.library)
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            types = _types(node.op)
            for key, value in node.attr.items():
                problem = _problem(key, value, types, functions)
                if problem:
                    yield f"node {node.name!r} ({node.op}), attribute {key!r}: {problem}"


@functools.cache
def _types(op: str) -> Mapping[str, str]:
    """Return the types of an operation's attributes by name."""
    known = op_def_registry.get(op)
    return {attribute.name: attribute.type for attribute in known.attr} if known else {}


def _problem(key: str, value: AttrValue, types: Mapping[str, str], functions: frozenset[str]) -> str:
    kind = value.WhichOneof("value")
    if kind is None:  # it says nothing
        return ""
    if key not in types and key not in _OF_NODES:
        return "it is not on the list of allowed attributes"
    if key in _SETTINGS_OF_CALLS and value.s:
        return "a call may not bring settings of its own"
    if types.get(key) == "func":
        return _call_problem(value, functions) if kind == "func" else "it names no function"
    if kind == "tensor" and types.get(key) == "tensor":
        return "it holds objects, not numbers or text" if value.tensor.dtype in _OBJECTS else ""
    return _plain_problem(value)


def _call_problem(value: AttrValue, functions: frozenset[str]) -> str:
    if value.func.name not in functions:
        return f"the function {value.func.name} is not in the graph's own library"
    return "a function may not be called with attributes" if value.func.attr else ""


def _plain_problem(value: AttrValue) -> str:
    """Hold a value to plain numbers, texts, types and shapes."""
    kind = value.WhichOneof("value")
    names = [value.func.name] if kind == "func" else [function.name for function in value.list.func]
    if names:
        return f"it names the function {names[0]}, where none belongs"
    if kind == "placeholder":
        return "it is to be filled in by whoever calls"
    return "it holds a tensor, where none belongs" if kind == "tensor" or value.list.tensor else ""


def _library_problems(library: FunctionDefLibrary) -> Iterator[str]:
    for gradient in library.gradient:
        yield f"the function library names {gradient.gradient_func} as a gradient, which nothing here needs"
    for registered in library.registered_gradients:
        yield f"the function library names {registered.gradient_func} as a gradient, which nothing here needs"
    for function in library.function:
        problem = _function_problem(function)
        if problem:
            yield f"the function {function.signature.name}: {problem}"


def _function_problem(function: FunctionDef) -> str:
    if op_def_registry.get(function.signature.name) is not None:
        return "it has the name of an operation"
    if function.signature.attr:
        return "it takes attributes of whoever calls"
    described = [(function.attr, _OF_FUNCTIONS), *((of.attr, _OF_ARGUMENTS) for of in function.arg_attr.values())]
    for attributes, known in described:
        for key, value in attributes.items():
            problem = _plain_problem(value) if key in known else "it is not on the list of allowed attributes"
            if problem:
                return f"attribute {key!r}: {problem}"
    return ""
