"""The weights inside an exported graph: what a network can start from when nothing but its .pb and YAML is left.

The export folds batch norms into convolutions and puts the matrices of a recurrence together. Here they come apart
again, by the order in which operations of one kind stand in the graph, which is that of the layers. What a batch norm
was before it was folded is gone; `settle` chooses among all that read alike the one that fits the pictures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError
from keras import layers

from contract.pixels import Pixels
from trainer.errors import UsageError
from trainer.export.walk import walk
from trainer.network.naming import named_weights

Array = npt.NDArray[np.float32]
Pair = tuple[Array, Array | None]  # a kernel, or a scale, and what is added behind it

BATCH_MATMULS = frozenset({"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"})
SUMS = frozenset({"BiasAdd", "Add", "AddV2"})
MOVES = frozenset({"Transpose", "Reshape"})  # may stand between a product and its sum


@dataclass(frozen=True)
class Constants:
    """What a graph multiplies and adds, by kind and in the order of the graph.

    Attributes:
        convolutions: kernel [KH, KW, I, O] and bias [O].
        norms: scale [F] and offset [F] of batch norms that no convolution took in.
        cells: kernel [F, G * U], recurrent kernel [U, G * U] and bias [G * U] of recurrences, gates as Keras has them.
        products: kernel and bias of dense layers, as matrices, or [P, F, U] and [P, U] for each position its own.
    """

    convolutions: list[Pair] = field(default_factory=list)
    norms: list[Pair] = field(default_factory=list)
    cells: list[tuple[Array, Array, Array]] = field(default_factory=list)
    products: list[Pair] = field(default_factory=list)


def weights_for(model: keras.Model, graph: bytes, source: str) -> dict[str, Array]:
    """Return the weights of a graph by the names that they have in a network.

    Args:
        model: the network to be started. Layers that the graph has nothing for are left out.
        graph: a serialised GraphDef from `trainer.export.graph`.
        source: its name in errors.

    Raises:
        UsageError: it is no graph, or none of this trainer.
    """
    try:
        found = constants(_tensorflow().compat.v1.GraphDef.FromString(graph))
    except (DecodeError, IndexError, KeyError, ValueError) as error:
        raise UsageError(f"--warm-start {source}: no graph of this trainer: {error}") from error
    if not found.convolutions or not found.products:
        raise UsageError(
            f"--warm-start {source}: its weights are not where this trainer puts them (it has "
            f"{len(found.convolutions)} convolutions and {len(found.products)} dense layers that are known here); give "
            "a model that this trainer exported"
        )
    names = {variable.path: name for name, variable in named_weights(model).items()}
    return {names[path]: value.astype(np.float32) for path, value in _placed(model, found)}


def constants(definition: Any) -> Constants:  # noqa: ANN401 - tensorflow publishes no types
    """Return what a graph multiplies and adds. Nothing is computed."""
    graph, found = _Graph(definition), Constants()
    seen: set[str] = set()  # a cell of GRU stands there once for each frame
    for node in definition.node:
        if node.op == "Conv2D":
            found.convolutions.extend(graph.pair(node))
        elif node.op == "Mul":
            found.norms.extend(pair for pair in graph.pair(node) if pair[0].ndim == 1 and pair[1] is not None)
        elif node.op == "MatMul" or node.op in BATCH_MATMULS:
            found.products.extend(graph.pair(node))
        elif node.op == "BlockLSTMV2":
            found.cells.extend(_lstm(*graph.constants(node.input[4], node.input[8])))
        elif node.op == "GRUBlockCell" and node.input[2] not in seen:
            seen.add(node.input[2])
            found.cells.extend(_gru(*graph.constants(*node.input[2:6])))
    return found


class _Graph:
    """A graph's nodes by name."""

    def __init__(self, definition: Any) -> None:  # noqa: ANN401 - as above
        self._nodes = {node.name: node for node in definition.node}
        self._readers: dict[str, list[Any]] = {}
        for node in definition.node:
            for name in node.input:
                self._readers.setdefault(_bare(name), []).append(node)

    def constants(self, *names: str) -> list[Array | None]:
        return [self._constant(name) for name in names]

    def pair(self, node: Any) -> Iterator[Pair]:  # noqa: ANN401 - as above
        """Yield the constant that a node multiplies by, and the one that is added to the product."""
        kernel = self._constant(node.input[1])
        if kernel is not None:
            behind = self._behind(node)
            while behind is not None and behind.op in MOVES:
                behind = self._behind(behind)
            yield kernel, self._constant(behind.input[1]) if behind is not None and behind.op in SUMS else None

    def _behind(self, node: Any) -> Any | None:  # noqa: ANN401 - as above
        """Return the only node that reads another; None if there are several."""
        readers = self._readers.get(node.name, [])
        return readers[0] if len(readers) == 1 else None

    def _constant(self, name: str) -> Array | None:
        node = self._nodes[_bare(name)]
        while node.op in {"Cast", "Identity"}:  # kernels that are stored in bfloat16
            node = self._nodes[_bare(node.input[0])]
        if node.op != "Const":
            return None
        values: Array = _tensorflow().make_ndarray(node.attr["value"].tensor).astype(np.float32)
        return values


def _tensorflow() -> Any:  # noqa: ANN401 - a module
    import tensorflow as tf  # noqa: PLC0415 - late: only those who start from a graph need it, whatever Keras runs on

    return tf


def _bare(name: str) -> str:
    return name.lstrip("^").partition(":")[0]


def _lstm(weights: Array | None, bias: Array | None) -> Iterator[tuple[Array, Array, Array]]:
    if weights is not None and bias is not None:
        units = weights.shape[1] // 4
        yield weights[:-units], weights[-units:], bias


def _gru(
    gates: Array | None, candidate: Array | None, gates_bias: Array | None, candidate_bias: Array | None
) -> Iterator[tuple[Array, Array, Array]]:
    if gates is None or candidate is None or gates_bias is None or candidate_bias is None:
        return
    units = candidate.shape[1]
    # The operation keeps reset before update; Keras update before reset.
    weights = np.concatenate([gates[:, units:], gates[:, :units], candidate], axis=1)
    yield weights[:-units], weights[-units:], np.concatenate([gates_bias[units:], gates_bias[:units], candidate_bias])


def _placed(model: keras.Model, found: Constants) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield path and value of the network's variables that the graph has something for."""
    plan = _Plan()
    walk(model, plan, None)
    for (layer, norm), (kernel, bias) in zip(plan.convolutions, found.convolutions, strict=False):
        yield layer.kernel.path, kernel
        rest = np.zeros(kernel.shape[-1], np.float32) if bias is None else bias
        if norm is not None:
            yield from _neutral(norm, np.ones_like(rest), rest)
        if layer.use_bias:
            yield layer.bias.path, rest if norm is None else np.zeros_like(rest)
    for norm, (scale, offset) in zip(plan.norms, found.norms, strict=False):
        yield from _neutral(norm, scale, np.zeros_like(scale) if offset is None else offset)
    for cell, (kernel, recurrent, bias) in zip(plan.cells, found.cells, strict=False):
        yield from ((cell.kernel.path, kernel), (cell.recurrent_kernel.path, recurrent), (cell.bias.path, bias))
    # From the last one on, which gives the scores: another network may have more or fewer before it.
    for layer, (kernel, bias) in zip(reversed(plan.products), reversed(found.products), strict=False):
        yield layer.kernel.path, _like(kernel, layer.kernel)
        if bias is not None:
            yield layer.bias.path, _like(bias, layer.bias)


def _neutral(norm: layers.BatchNormalization, scale: Array, offset: Array) -> Iterator[tuple[str, Array]]:
    """Yield the values of a batch norm that does nothing but x * scale + offset when it reads."""
    yield norm.gamma.path, scale
    yield norm.beta.path, offset
    yield norm.moving_mean.path, np.zeros_like(scale)
    yield norm.moving_variance.path, np.full_like(scale, 1 - norm.epsilon)


def _like(values: Array, variable: keras.Variable) -> Array:
    """Return a kernel with the axes of a layer, as far as its last one, which may have more classes, allows."""
    shape = tuple(variable.shape)
    if values.ndim == len(shape) - 1 and values.shape[-1] % shape[-2] == 0:  # positions and classes in one axis
        return values.reshape(*values.shape[:-1], shape[-2], -1)
    return values


class _Plan:
    """The layers of a network that have weights, by kind, in the order in which the export emits them."""

    def __init__(self) -> None:
        self.convolutions: list[tuple[layers.Conv2D, layers.BatchNormalization | None]] = []
        self.norms: list[layers.BatchNormalization] = []
        self.cells: list[Any] = []
        self.products: list[layers.Dense | layers.EinsumDense] = []

    def emit(self, layer: keras.layers.Layer, x: None, norm: layers.BatchNormalization | None = None) -> None:  # noqa: ARG002 - the protocol
        match layer:
            case layers.Conv2D():
                self.convolutions.append((layer, norm))
            case layers.BatchNormalization():
                self.norms.append(layer)
            case layers.Bidirectional():
                self.cells += [layer.forward_layer.cell, layer.backward_layer.cell]
            case layers.LSTM() | layers.GRU():
                self.cells.append(layer.cell)
            case layers.Dense() | layers.EinsumDense():
                self.products.append(layer)


def settle(model: keras.Model, pixels: Pixels) -> None:
    """Give batch norms the statistics of these pictures, and change nothing of what the network reads.

    A neutral batch norm reads right, but training normalises by the statistics of each batch, and its first step would
    undo all that the kernels have learned.

    Args:
        model: whose weights came from a graph.
        pixels: uint8 [N, H, W, C], some hundred pictures.
    """
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    if not norms:
        return
    inputs = keras.Model(model.inputs[0], [norm.input for norm in norms]).predict_on_batch(pixels)
    for norm, values in zip(norms, _listed(inputs), strict=True):
        flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
        mean, variance = flat.mean(0), flat.var(0)
        gamma, beta, old_mean, old_variance = (
            np.asarray(weight, np.float64) for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
        )
        scale = gamma / np.sqrt(old_variance + norm.epsilon)
        norm.gamma.assign(scale * np.sqrt(variance + norm.epsilon))
        norm.beta.assign(beta + scale * (mean - old_mean))
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(variance)


def _listed(values: Any) -> Sequence[Any]:  # noqa: ANN401 - tensors of any backend
    return values if isinstance(values, list) else [values]
