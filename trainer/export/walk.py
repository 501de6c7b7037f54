"""Goes through a network's layers in their order, for whatever is built from them: a graph, or another format's."""

from collections.abc import Iterator
from typing import Any, Protocol

import keras
from keras import layers

Value = Any  # what stands for a tensor in the format that is built


class Emits(Protocol):
    """Builds one layer after the other."""

    def emit(self, layer: keras.layers.Layer, x: Value, norm: layers.BatchNormalization | None = None) -> Value:
        """Add a layer.

        Args:
            layer: of the model.
            x: its input, or a list of them for a layer that joins.
            norm: a batch norm behind this convolution, to be folded into it.

        Returns:
            The layer's output.
        """


def walk(model: keras.Model, emitter: Emits, images: Value) -> Value:
    """Emit the layers in their order; a batch norm that can go into the convolution before it is not emitted.

    The activation behind such a batch norm is emitted right behind the convolution, where runtimes fuse the two. A max
    pool that stood between them comes after it then, which gives the same: neither changes what is largest. Measured on
    CNN5-H64 at 150x50: 3 % less time.

    Args:
        model: from `trainer.network.build`.
        emitter: builds each layer.
        images: what stands for the model's input.

    Returns:
        What stands for the model's output.
    """
    outputs = {model.inputs[0].name: images}
    folded: set[keras.layers.Layer] = set()
    followers = _followers(model)
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        names = [tensor.name for tensor in _listed(layer.input)]
        inputs = [outputs[name] for name in names]
        joined = inputs if len(inputs) > 1 else inputs[0]
        if layer in folded:
            outputs[layer.output.name] = joined
            continue
        norm = _foldable_norm(layer, followers)
        emitted = emitter.emit(layer, joined, norm)
        if norm is not None:
            folded.add(norm)
            if activation := _rising_activation(norm, followers):
                folded.add(activation)
                emitted = emitter.emit(activation, emitted)
        outputs[layer.output.name] = emitted
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


def _rising_activation(
    norm: layers.BatchNormalization, followers: dict[str, list[keras.layers.Layer]]
) -> keras.layers.Layer | None:
    """Return the activation that this batch norm alone feeds, if a larger input never gives a smaller output."""
    following = followers.get(norm.output.name, [])
    if len(following) != 1:
        return None
    match following[0]:
        case layers.LeakyReLU():  # Keras takes no negative slope
            return following[0]
        case layers.ReLU(negative_slope=0, threshold=0):
            return following[0]
        case _:
            return None


def _followers(model: keras.Model) -> dict[str, list[keras.layers.Layer]]:
    result: dict[str, list[keras.layers.Layer]] = {}
    for layer in model.layers:
        for tensor in _listed(layer.input):
            if not isinstance(layer, layers.InputLayer):
                result.setdefault(tensor.name, []).append(layer)
    return result


def _listed(tensors: Value) -> Iterator[Value]:
    yield from tensors if isinstance(tensors, list) else [tensors]
