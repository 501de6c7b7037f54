"""The ONNX form of a trained network, built from its layers: no converter that would bring a TensorFlow of its own.

Tensors of four axes are channels first here, [N, C, H, W], as onnxruntime's kernels want them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from trainer.errors import TrainerError
from trainer.export.emit import UnknownLayerError
from trainer.export.walk import walk
from trainer.export.weights import Array, Weights

OPSET = 17  # of 2022: runtimes that are in use today know it
IR_VERSION = 8

_CHANNELS_FIRST = (0, 3, 1, 2)  # the axes of [N, H, W, C] in their order here


@dataclass(frozen=True)
class Value:
    """A tensor by its name.

    Attributes:
        name: in the ONNX graph.
        channels_first: whether its axes are [N, C, H, W] where Keras has [N, H, W, C].
    """

    name: str
    channels_first: bool = False


def onnx_model(model: keras.Model) -> bytes:
    """Build the ONNX form of a network.

    Args:
        model: from `trainer.network.build`, in float32, with trained weights.

    Returns:
        A serialised ModelProto: `input` uint8 [N, H, W, C] with any N; `logits` float32 [N, T, K], class 0 the blank.

    Raises:
        TrainerError: the package onnx is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise TrainerError("onnx is not installed: pip install 'captcha-foundry[onnx]'") from error

    emitter = _Emitter(model, onnx.helper, onnx.numpy_helper)
    images = emitter.add("Transpose", Value("input"), perm=_CHANNELS_FIRST)
    logits = walk(model, emitter, Value(images.name, channels_first=True))
    emitter.nodes.append(onnx.helper.make_node("Identity", [logits.name], ["logits"]))
    ends = [
        onnx.helper.make_tensor_value_info(name, dtype, ["N", *shape[1:]])
        for name, dtype, shape in (
            ("input", onnx.TensorProto.UINT8, model.input_shape),
            ("logits", onnx.TensorProto.FLOAT, model.output_shape),
        )
    ]
    graph = onnx.helper.make_graph(emitter.nodes, model.name, ends[:1], ends[1:], emitter.constants)
    built = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="captcha-foundry",
    )
    onnx.checker.check_model(built, full_check=True)
    content: bytes = built.SerializeToString(deterministic=True)
    return content


class _Emitter:
    """Adds layers as ONNX nodes."""

    def __init__(self, model: keras.Model, helper: Any, numpy_helper: Any) -> None:  # noqa: ANN401 - modules
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._weights = Weights(model)
        self._helper = helper
        self._numpy_helper = numpy_helper

    def add(self, kind: str, *inputs: Value, **attributes: Any) -> Value:  # noqa: ANN401 - numbers and lists of them
        """Add a node; its output keeps the axes of its first input."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, [value.name for value in inputs], [name], **attributes))
        return Value(name, inputs[0].channels_first)

    def constant(self, values: npt.NDArray[Any]) -> Value:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(self._numpy_helper.from_array(np.ascontiguousarray(values), name))
        return Value(name)

    def emit(self, layer: keras.layers.Layer, x: Any, norm: layers.BatchNormalization | None = None) -> Value:  # noqa: ANN401 - a value or several
        """Add a layer, as `trainer.export.walk.Emits`."""
        match layer:
            case layers.Conv2D():
                return self._convolution(layer, x, norm)
            case layers.BatchNormalization():
                scale, offset = map(self._per_channel, self._weights.scale_and_offset(layer))
                return self.add("Add", self.add("Mul", x, scale), offset)
            case layers.Bidirectional() | layers.LSTM() | layers.GRU():
                both = isinstance(layer, layers.Bidirectional)
                directions = [layer.forward_layer, layer.backward_layer] if both else [layer]
                return self._recurrence(directions, x, layer.input.shape[1])
            case layers.Dense():
                product = self.add("MatMul", x, self.constant(self._weights.of(layer.kernel)))
                return self.add("Add", product, self.constant(self._weights.of(layer.bias)))
            case layers.EinsumDense():
                return self._per_position(layer, x)
            case _:
                return self._emit_without_weights(layer, x)

    def _emit_without_weights(self, layer: keras.layers.Layer, x: Any) -> Value:  # noqa: ANN401, PLR0911 - a table
        match layer:
            case layers.MaxPooling2D():
                return self.add("MaxPool", x, **_window(layer, layer.pool_size))
            case layers.AveragePooling2D():
                return self.add("AveragePool", x, **_window(layer, layer.pool_size), count_include_pad=0)
            case layers.Concatenate():
                return self.add("Concat", *x, axis=1)
            case layers.Rescaling():
                scaled = self.add("Mul", self.add("Cast", x, to=1), self.constant(np.array(layer.scale, np.float32)))
                return self.add("Add", scaled, self.constant(np.array(layer.offset, np.float32)))
            case layers.Dropout():
                same: Value = x
                return same
            case layers.Permute() | layers.Reshape():
                return self._rearranged(layer, x)
            case _:
                return self._activated(layer, x)

    def _activated(self, layer: keras.layers.Layer, x: Value) -> Value:
        match layer:
            case layers.LeakyReLU():
                return self.add("LeakyRelu", x, alpha=float(layer.negative_slope))
            case layers.ReLU():
                return self.add("Relu", x)
            case layers.ELU():
                return self.add("Elu", x)
            case layers.Activation(activation=keras.activations.tanh):
                return self.add("Tanh", x)
            case _:
                raise UnknownLayerError(f"the ONNX export does not know the layer {type(layer).__name__}")

    def _per_channel(self, values: Array) -> Value:
        return self.constant(values.reshape(-1, 1, 1))

    def _convolution(self, layer: layers.Conv2D, x: Value, norm: layers.BatchNormalization | None) -> Value:
        kernel, bias = self._weights.convolution(layer, norm)
        operands = [self.constant(kernel.transpose(3, 2, 0, 1))]  # [KH, KW, I, O] to [O, I, KH, KW]
        operands += [] if bias is None else [self.constant(bias)]
        return self.add("Conv", x, *operands, **_window(layer, layer.kernel_size))

    def _per_position(self, layer: layers.EinsumDense, x: Value) -> Value:
        """[N, F] by [F, P, U], or [N, P, F] by [P, F, U], to [N, P, U]."""
        kernel = self._weights.of(layer.kernel)
        if len(layer.input.shape) == 2:
            product = self.add("MatMul", x, self.constant(kernel.reshape(len(kernel), -1)))
            product = self._reshaped(product, layer.bias.shape)
        else:
            turned = self.add("Transpose", x, perm=(1, 0, 2))
            product = self.add("Transpose", self.add("MatMul", turned, self.constant(kernel)), perm=(1, 0, 2))
        return self.add("Add", product, self.constant(self._weights.of(layer.bias)))

    def _rearranged(self, layer: layers.Permute | layers.Reshape, x: Value) -> Value:
        """Add a permutation, which brings the channels back to where Keras has them, or what follows it."""
        if isinstance(layer, layers.Permute):
            place = {axis: place for place, axis in enumerate(_CHANNELS_FIRST)} if x.channels_first else range(4)
            turned = self.add("Transpose", x, perm=[place[axis] for axis in (0, *layer.dims)])
            return Value(turned.name)
        if x.channels_first:
            raise UnknownLayerError("the ONNX export knows Reshape behind Permute only")
        return self._reshaped(x, layer.target_shape)

    def _reshaped(self, x: Value, shape: Iterable[int]) -> Value:
        return self.add("Reshape", x, self.constant(np.array([-1, *shape], np.int64)))

    def _recurrence(self, directions: Sequence[layers.LSTM | layers.GRU], x: Value, steps: int) -> Value:
        """[N, T, F] to [N, T, D * U] for the D directions."""
        cells = [layer.cell for layer in directions]
        # Keras's order of the gates is i, f, c, o, and ONNX's i, o, f, c; of a GRU both have z, r, h.
        kind, order = ("LSTM", (0, 3, 1, 2)) if isinstance(directions[0], layers.LSTM) else ("GRU", (0, 1, 2))
        kernels, recurrent, biases = (
            [_gates(self._weights.of(getattr(cell, name)), order) for cell in cells]
            for name in ("kernel", "recurrent_kernel", "bias")
        )
        kernels, recurrent = ([values.T for values in matrices] for matrices in (kernels, recurrent))
        biases = [np.pad(bias, (0, bias.size)) for bias in biases]  # ONNX adds a second one, to the recurrent product
        units = directions[0].units
        result = self.add(
            kind,
            self.add("Transpose", x, perm=(1, 0, 2)),
            *(self.constant(np.stack(values)) for values in (kernels, recurrent, biases)),
            hidden_size=units,
            direction="bidirectional" if len(directions) == 2 else "forward",
        )
        # [T, D, N, U] to [N, T, D, U]
        return self._reshaped(self.add("Transpose", result, perm=(2, 0, 1, 3)), (steps, len(directions) * units))


def _gates(values: Array, order: Sequence[int]) -> Array:
    """Bring the gates of the last axis into another order."""
    gates = np.split(values, len(order), axis=-1)
    return np.concatenate([gates[gate] for gate in order], axis=-1)


def _window(layer: Any, size: tuple[int, int]) -> dict[str, list[int]]:  # noqa: ANN401 - layers of two families
    """Return the attributes of a convolution or pool, with the padding that Keras means by `same`."""
    pads = [
        _padding(length, side, stride) if layer.padding == "same" else (0, 0)
        for length, side, stride in zip(layer.input.shape[1:3], size, layer.strides, strict=True)
    ]
    (top, bottom), (left, right) = pads
    return {"kernel_shape": list(size), "strides": list(layer.strides), "pads": [top, left, bottom, right]}


def _padding(length: int, size: int, stride: int) -> tuple[int, int]:
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return total // 2, total - total // 2
