"""A copy of a network's weights, as the formats that are exported need them."""

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

Array = npt.NDArray[np.float32]


class Weights:
    """The weights of a model by their path, in float32."""

    def __init__(self, model: keras.Model) -> None:
        """Take the copy. Do so before a graph is built: no variable can be read while one is."""
        self._values = {variable.path: np.asarray(variable, np.float32) for variable in model.weights}

    def of(self, variable: keras.Variable) -> Array:
        """Return the value of a variable."""
        return self._values[variable.path]

    def convolution(self, layer: layers.Conv2D, norm: layers.BatchNormalization | None) -> tuple[Array, Array | None]:
        """Return kernel [KH, KW, I, O] and bias [O] or None of a convolution, with a batch norm folded into it."""
        kernel = self.of(layer.kernel)
        bias = self.of(layer.bias) if layer.use_bias else None
        if norm is None:
            return kernel, bias
        scale, offset = self.scale_and_offset(norm)
        return kernel * scale, offset if bias is None else offset + bias * scale

    def scale_and_offset(self, norm: layers.BatchNormalization) -> tuple[Array, Array]:
        """Return batch norm by moving statistics as x * scale + offset, both float32 [F]."""
        values = (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
        gamma, beta, mean, variance = (self.of(variable).astype(np.float64) for variable in values)
        scale = gamma / np.sqrt(variance + norm.epsilon)
        return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)
