"""Checks a frozen graph before tensorflow runs any of it: on the same bytes that are loaded afterwards.

A GraphDef is a repeated field, so every prefix that ends on a node boundary parses: parsing proves nothing about
completeness. The digest in the YAML does, and `versions`, which is serialised last, is asked for besides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import tensorflow as tf
from google.protobuf.message import DecodeError

from contract.files import sha256
from contract.layout import LAYOUTS
from contract.ops import ALLOWED_OPS
from contract.spec import LayoutName, ModelSpec
from engine.attributes import attribute_problems
from engine.errors import DigestError, GraphError

NATIVE: LayoutName = "nhwc-uint8"

MAX_NODES = 20_000
MAX_CONSTANT_BYTES = 256 * 1024 * 1024
MAX_TEXT_CONSTANT_BYTES = 64 * 1024

_LOOPS = {"Enter", "Exit", "Merge", "Switch", "NextIteration", "LoopCond", "While", "StatelessWhile"}
_BRANCHES_AND_CALLS = {"If", "StatelessIf", "PartitionedCall", "StatefulPartitionedCall"}


def parse_checked(content: bytes, spec: ModelSpec) -> tf.compat.v1.GraphDef:
    """Parse a graph's bytes and check them against the model YAML and the allow-list of operations.

    Raises:
        DigestError: the bytes are not those that `Graph.SHA256` names.
        GraphError: not a frozen graph, or something in it is not allowed; names the op or tensor.
    """
    digest = sha256(content)
    if digest != spec.Graph.SHA256:
        raise DigestError(
            f"{spec.Graph.File}: its SHA-256 is {digest[:12]}..., but the YAML names {spec.Graph.SHA256[:12]}...: "
            "copy the .pb and the YAML of one export together"
        )
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(content)
    except DecodeError as error:
        raise GraphError(f"{spec.Graph.File}: not a TensorFlow graph, or cut off") from error
    problem = next(_problems(graph, spec, len(content)), None)
    if problem:
        raise GraphError(f"{spec.Graph.File}: {problem}")
    return graph


def operations(graph: tf.compat.v1.GraphDef) -> Counter[str]:
    """Count the operations of a graph by name, those of its function library included."""
    return Counter(node.op for node in _nodes(graph))


def has_scores(graph: tf.compat.v1.GraphDef, spec: ModelSpec) -> bool:
    """Tell whether a graph has the scores that its layout reads confidences from."""
    names = {node.name for node in graph.node}
    return LAYOUTS[spec.Graph.Layout].scores is not None and _node_of(spec.Graph.Logits) in names


def has_control_flow(graph: tf.compat.v1.GraphDef) -> bool:
    """Return whether a graph decides while it runs what it runs: graphs of captcha_trainer may."""
    return not (_LOOPS | _BRANCHES_AND_CALLS).isdisjoint(operations(graph))


def _node_of(tensor: str) -> str:
    return tensor.rpartition(":")[0]


def _nodes(graph: tf.compat.v1.GraphDef) -> Iterator[tf.compat.v1.NodeDef]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _problems(graph: tf.compat.v1.GraphDef, spec: ModelSpec, size: int) -> Iterator[str]:
    nodes = list(_nodes(graph))
    if not nodes:
        yield "the graph is empty"
    if not graph.HasField("versions"):
        yield "the graph has no version field: it is probably cut off"
    if len(nodes) > MAX_NODES:
        yield f"{len(nodes):,} nodes; the limit is {MAX_NODES:,}"
    for node in nodes:
        if node.op not in ALLOWED_OPS:
            yield f"the operation {node.op} (node {node.name!r}) is not on the list of allowed operations"
        if node.device and "CPU" not in node.device.upper():
            yield f"node {node.name!r} is tied to the device {node.device!r}; only CPU is allowed"
    yield from attribute_problems(graph)
    yield from _constant_problems(nodes, size)
    yield from _endpoint_problems(graph, spec)


def _constant_problems(nodes: Iterable[tf.compat.v1.NodeDef], graph_bytes: int) -> Iterator[str]:
    constants = [node for node in nodes if node.op == "Const"]
    for node in constants:
        if node.attr["dtype"].type == tf.string.as_datatype_enum:
            size = _size(node)
            if size > MAX_TEXT_CONSTANT_BYTES:
                yield f"the text constant {node.name!r} has {size:,} bytes; the limit is {MAX_TEXT_CONSTANT_BYTES:,}"
    # Measuring is copying, which holds up all threads; in most graphs there is not even room for so much.
    total = sum(map(_size, constants)) if graph_bytes > MAX_CONSTANT_BYTES else 0
    if total > MAX_CONSTANT_BYTES:
        yield f"{total:,} bytes of constants; the limit is {MAX_CONSTANT_BYTES:,}"


def _size(constant: tf.compat.v1.NodeDef) -> int:
    size: int = constant.attr["value"].tensor.ByteSize()
    return size


def _endpoint_problems(graph: tf.compat.v1.GraphDef, spec: ModelSpec) -> Iterator[str]:
    names = {node.name for node in graph.node}
    keys = ("Input", "Logits", "Decoded") if spec.Graph.Layout == NATIVE else ("Input", "Decoded")
    for key in keys:
        tensor = getattr(spec.Graph, key)
        if _node_of(tensor) not in names:
            yield f"the tensor {tensor!r} (Graph.{key}) is not in the graph"
            return
    node = next(node for node in graph.node if node.name == _node_of(spec.Graph.Input))
    layout = LAYOUTS[spec.Graph.Layout]
    expected = [-1, *layout.input_shape(spec.input_size, spec.Pretreatment.ImageChannel)]
    shape = [dim.size for dim in node.attr["shape"].shape.dim]
    found_type = tf.as_dtype(node.attr["dtype"].type or 1).name
    if node.op != "Placeholder" or found_type != layout.dtype or not _fits(shape, expected):
        yield (
            f"{spec.Graph.Input!r} is a {node.op} of type {found_type} and shape {shape}; the YAML asks for a "
            f"Placeholder of type {layout.dtype} and shape {expected} [{', '.join(layout.axes)}]"
        )


def _fits(shape: list[int], expected: list[int]) -> bool:
    # The number of pictures must be free; the width may be, as in graphs of captcha_trainer that take any.
    if len(shape) != len(expected) or shape[0] != -1:
        return False
    return all(size in {-1, wanted} for size, wanted in zip(shape[1:], expected[1:], strict=True))
