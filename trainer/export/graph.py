"""The frozen graph of a trained network, in the native layout, from nothing but CPU operations."""

import keras
import tensorflow as tf

from contract.charset import BLANK
from contract.files import sha256
from contract.ops import ALLOWED_OPS
from contract.spec import Arithmetic, GraphSection
from trainer.config import NeuralNetSection
from trainer.errors import TrainerError
from trainer.export.emit import Emitter, Tensor
from trainer.export.walk import walk
from trainer.network.heads import head_of


def inference_graph(model: keras.Model, precision: Arithmetic = "float32") -> bytes:
    """Build the frozen graph of a network.

    Args:
        model: from `trainer.network.build`, in float32, with trained weights.
        precision: that its kernels are stored in.

    Returns:
        A serialised GraphDef: `input:0` uint8 [N, H, W, C]; `logits:0` float32 [N, T, K], class 0 no symbol;
        `dense_decoded:0` int64 [N, L], the best reading as symbol numbers 0..K-2, filled with -1. Of a fixed head L is
        T, the positions, and -1 stands at each one that is read as padding.

    Raises:
        TrainerError: an operation came out that the platform would not load.
    """
    emitter = Emitter(model, precision)
    graph = tf.Graph()
    with graph.as_default(), tf.device("CPU"):
        images = tf.compat.v1.placeholder(tf.uint8, [None, *model.input_shape[1:]], name="input")
        logits = tf.identity(walk(model, emitter, images), name="logits")
        if head_of(model) == "ctc":
            _greedy(logits)
        else:
            tf.subtract(tf.argmax(logits, -1), 1, name="dense_decoded")
    definition = graph.as_graph_def()
    for node in definition.node:
        node.device = ""  # written on this machine, placed on that one
    foreign = {node.op for node in definition.node} - ALLOWED_OPS
    if foreign:
        raise TrainerError(f"the graph holds operations that the platform does not load: {', '.join(sorted(foreign))}")
    content: bytes = definition.SerializeToString(deterministic=True)
    return content


def section(graph: bytes, file: str, net: NeuralNetSection, precision: Arithmetic = "float32") -> GraphSection:
    """Describe a graph from `inference_graph` for the model YAML.

    Args:
        graph: its bytes.
        file: name of the .pb that will hold them.
        net: the section `NeuralNet` that its network was built from.
        precision: that its kernels are stored in.
    """
    return GraphSection(
        File=file, SHA256=sha256(graph), Head=net.head, MaxLabelNum=net.MaxLabelNum, Precision=precision
    )


def _greedy(logits: Tensor) -> None:
    """Add `dense_decoded`: best class of each frame, equal neighbours merged, blanks dropped."""
    lengths = tf.fill([tf.shape(logits)[0]], logits.shape[1])
    decoded = tf.raw_ops.CTCGreedyDecoder(
        inputs=tf.transpose(logits, [1, 0, 2]), sequence_length=lengths, merge_repeated=True, blank_index=BLANK
    )
    tf.raw_ops.SparseToDense(
        sparse_indices=decoded.decoded_indices,
        output_shape=decoded.decoded_shape,
        sparse_values=decoded.decoded_values - 1,
        default_value=tf.constant(-1, tf.int64),
        validate_indices=True,
        name="dense_decoded",
    )
