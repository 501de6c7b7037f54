"""The frozen graph of a trained network, in the native layout, from nothing but CPU operations."""

from collections.abc import Iterator

import keras
import tensorflow as tf
from keras import layers

from contract.charset import BLANK
from contract.ops import ALLOWED_OPS
from trainer.errors import TrainerError
from trainer.export.emit import Emitter, Tensor


def inference_graph(model: keras.Model) -> bytes:
    """Build the frozen graph of a network.

    Args:
        model: from `trainer.network.build`, in float32, with trained weights.

    Returns:
        A serialised GraphDef: `input:0` uint8 [N, H, W, C]; `logits:0` float32 [N, T, K], class 0 the blank;
        `dense_decoded:0` int64 [N, L], the greedy reading as symbol numbers 0..K-2, filled with -1.

    Raises:
        TrainerError: an operation came out that the platform would not load.
    """
    emitter = Emitter(model)
    graph = tf.Graph()
    with graph.as_default(), tf.device("CPU"):
        images = tf.compat.v1.placeholder(tf.uint8, [None, *model.input_shape[1:]], name="input")
        logits = tf.identity(_network(model, emitter, images), name="logits")
        _greedy(logits)
    definition = graph.as_graph_def()
    for node in definition.node:
        node.device = ""  # written on this machine, placed on that one
    foreign = {node.op for node in definition.node} - ALLOWED_OPS
    if foreign:
        raise TrainerError(f"the graph holds operations that the platform does not load: {', '.join(sorted(foreign))}")
    content: bytes = definition.SerializeToString(deterministic=True)
    return content


def _network(model: keras.Model, emitter: Emitter, images: Tensor) -> Tensor:
    """Emit the layers in their order; a batch norm that can go into the convolution before it leaves no operation."""
    outputs = {model.inputs[0].name: images}
    folded: set[keras.layers.Layer] = set()
    followers = _followers(model)
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        names = [tensor.name for tensor in _listed(layer.input)]
        inputs = [outputs[name] for name in names]
        norm = _foldable_norm(layer, followers)
        if norm is not None:
            folded.add(norm)
        joined = inputs if len(inputs) > 1 else inputs[0]
        outputs[layer.output.name] = joined if layer in folded else emitter.emit(layer, joined, norm)
    return outputs[model.outputs[0].name]


def _foldable_norm(
    layer: keras.layers.Layer, followers: dict[str, list[keras.layers.Layer]]
) -> layers.BatchNormalization | None:
    """Return the batch norm that this convolution alone feeds.

    A max pool may stand between: it gives the same before and after a scale, unless that is negative.
    """
    if not isinstance(layer, layers.Conv2D) or layer.activation is not keras.activations.linear:
        return None
    pooled = False
    following = followers.get(layer.output.name, [])
    while len(following) == 1:
        if isinstance(following[0], layers.BatchNormalization):
            norm = following[0]
            keeps_order = isinstance(norm.gamma_constraint, keras.constraints.NonNeg)
            return norm if keeps_order or not pooled else None
        if not isinstance(following[0], layers.MaxPooling2D):
            return None
        pooled = True
        following = followers.get(following[0].output.name, [])
    return None


def _followers(model: keras.Model) -> dict[str, list[keras.layers.Layer]]:
    result: dict[str, list[keras.layers.Layer]] = {}
    for layer in model.layers:
        for tensor in _listed(layer.input):
            if not isinstance(layer, layers.InputLayer):
                result.setdefault(tensor.name, []).append(layer)
    return result


def _listed(tensors: Tensor) -> Iterator[Tensor]:
    yield from tensors if isinstance(tensors, list) else [tensors]


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
