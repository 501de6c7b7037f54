"""What a network is made of, layer by layer: shapes, parameters and the work of one picture."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers


@dataclass(frozen=True)
class LayerLine:
    """One layer.

    Attributes:
        kind: of the layer, such as `Conv2D`.
        detail: what else describes it, such as `7x7`; may be empty.
        shape: of its output for one picture: (H, W, C), then (T, F), or (F,) between them.
        parameters: how many numbers it holds, moving statistics included.
        multiply_adds: of one picture, in its matrix products; sums, norms and activations count as nothing.
        inputs: numbers of the layers that it takes its input from.
    """

    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """A whole network.

    Attributes:
        lines: its layers in their order; the first is the input.
        frames: T, or the number of positions of a fixed-length head.
        classes: K, symbols and the one that stands for none.
    """

    lines: tuple[LayerLine, ...]
    frames: int
    classes: int

    @property
    def parameters(self) -> int:
        """How many numbers the network holds, moving statistics included."""
        return sum(line.parameters for line in self.lines)

    @property
    def multiply_adds(self) -> int:
        """Of one picture."""
        return sum(line.multiply_adds for line in self.lines)


def summarize(model: keras.Model) -> Summary:
    """Return what a network is made of.

    Args:
        model: from `trainer.network.build`, with output [N, T, K].
    """
    numbers: dict[str, int] = {}
    lines = []
    for number, layer in enumerate(model.layers):
        inputs = () if isinstance(layer, layers.InputLayer) else tuple(numbers[name] for name in _input_names(layer))
        numbers[layer.output.name] = number
        shape = tuple(int(size) for size in layer.output.shape[1:])
        lines.append(
            LayerLine(_kind(layer), _detail(layer), shape, layer.count_params(), _multiply_adds(layer, shape), inputs)
        )
    _, frames, classes = model.output_shape
    return Summary(tuple(lines), int(frames), int(classes))


def _input_names(layer: keras.layers.Layer) -> Iterator[str]:
    tensors: Any = layer.input
    yield from (tensor.name for tensor in (tensors if isinstance(tensors, list) else [tensors]))


def _multiply_adds(layer: keras.layers.Layer, shape: Sequence[int]) -> int:
    """Each number of a matrix or kernel is used once for every place of the output: pixels, frames or none."""
    if isinstance(layer, layers.InputLayer):
        return 0
    matrices: int = sum(math.prod(weight.shape) for weight in layer.weights if _multiplies(weight))
    # A dense layer per position has a matrix for each of them; any other uses its one at every place.
    places: int = 1 if isinstance(layer, layers.EinsumDense) else math.prod(shape[:-1])
    return matrices * places


def _multiplies(weight: keras.Variable) -> bool:
    return "kernel" in str(weight.path).rsplit("/", 1)[-1]  # a gate's bias may have two rows


def _kind(layer: keras.layers.Layer) -> str:
    if isinstance(layer, layers.Bidirectional):
        return f"{type(layer.forward_layer).__name__}, both ways"
    return "Input" if isinstance(layer, layers.InputLayer) else type(layer).__name__


def _detail(layer: keras.layers.Layer) -> str:
    match layer:
        case layers.Conv2D():
            strides = "" if set(layer.strides) == {1} else f" / {_by(layer.strides)}"
            return f"{_by(layer.kernel_size)}{strides}"
        case layers.MaxPooling2D() | layers.AveragePooling2D():
            return f"{_by(layer.pool_size)} / {_by(layer.strides)}"
        case layers.Dropout():
            return f"drops {layer.rate:.0%}"
        case _:
            return ""


def _by(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))
