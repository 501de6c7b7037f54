"""Graphs that pass every check of form and do harm when they run."""

from collections.abc import Callable
from typing import Any

from contract.files import sha256
from contract.spec import GraphSection, ModelSection, ModelSpec
from engine.quiet import import_tensorflow

SIZE = (8, 4)  # width, height


def bomb(kind: str) -> tuple[ModelSpec, bytes]:
    """Return a model of our own layout whose scores wait for something: see KINDS."""
    import_tensorflow()
    import tensorflow as tf  # noqa: PLC0415 - late, and without keras

    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.uint8, [None, SIZE[1], SIZE[0], 1], name="input")
        count = tf.shape(pictures)[0]
        harm = KINDS[kind](tf, count)
        scores = tf.fill(tf.stack([count, 2, 11]), tf.cast(harm, tf.float32))
        tf.identity(scores, name="logits")
        tf.identity(tf.argmax(scores, -1), name="dense_decoded")
        content: bytes = graph.as_graph_def().SerializeToString()
    model = ModelSection(ModelName="bomb", Version="2.0", CharSet="NUMERIC", ImageWidth=SIZE[0], ImageHeight=SIZE[1])
    return ModelSpec(Model=model, Graph=GraphSection(File=f"{kind}.pb", SHA256=sha256(content))), content


def _harmless(_tf: Any, count: Any) -> Any:
    return count


def _endless(tf: Any, count: Any) -> Any:
    return tf.compat.v1.while_loop(lambda n: n > 0, lambda n: tf.maximum(n, 1), [count])


def _large(tf: Any, count: Any) -> Any:
    size = tf.cast(count, tf.int64) * 5_000_000_000
    return tf.reduce_max(tf.cumsum(tf.fill([size], tf.cast(count, tf.float32))))


def _fatal(tf: Any, count: Any) -> Any:
    # A list of 2^31 - 1 tensors is no tensor: its memory is asked for without a check, and tensorflow ends the process.
    length = tf.fill([], 2**31 - 1) * tf.minimum(count, 1)
    handle = tf.raw_ops.TensorListReserve(
        element_shape=tf.constant([], tf.int32), num_elements=length, element_dtype=tf.float32
    )
    return tf.raw_ops.TensorListLength(input_handle=handle)


KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "harmless": _harmless,
    "endless": _endless,
    "large": _large,
    "fatal": _fatal,
}
