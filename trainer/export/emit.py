"""Keras layers as plain TensorFlow operations: what each layer of our networks computes when it reads.

The graph is built for inference, not traced from training: batch norm is folded into the convolution before it, the
recurrence is the fused kernel BlockLSTMV2 instead of a loop, dropout is gone. Numbers come from the layers' weights.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from contract.spec import Arithmetic
from trainer.export.weights import Array, Weights

Tensor = Any  # tensorflow publishes no types


class UnknownLayerError(TypeError):
    """A layer that the export has no operations for: a defect of ours, never of a user's."""


class Emitter:
    """Adds layers to the current graph. Make it before that graph: no variable can be read while one is built."""

    def __init__(self, model: keras.Model, precision: Arithmetic = "float32") -> None:
        """Take a copy of the model's weights.

        Args:
            model: in float32.
            precision: that kernels are stored in; biases, of which there are few, stay in float32.
        """
        self._weights = Weights(model)
        self._stored = tf.as_dtype(precision)

    def emit(self, layer: keras.layers.Layer, x: Tensor, norm: layers.BatchNormalization | None = None) -> Tensor:
        """Add a layer's operations, as `trainer.export.walk.Emits`.

        Raises:
            UnknownLayerError: there are no operations for this kind of layer.
        """
        match layer:
            case layers.Conv2D():
                return self._convolution(layer, x, norm)
            case layers.BatchNormalization():
                scale, offset = self._weights.scale_and_offset(layer)
                return x * tf.constant(scale) + tf.constant(offset)
            case layers.Bidirectional():
                return self._bidirectional(layer, x)
            case layers.LSTM():
                return _batch_first(self._recurrence(layer, _time_first(x)))
            case layers.Dense():
                return self._dense(layer, x)
            case _:
                return _emit_without_weights(layer, x)

    def _kernel(self, values: Array) -> Tensor:
        stored = tf.constant(values, self._stored)
        return stored if self._stored == tf.float32 else tf.cast(stored, tf.float32)

    def _convolution(self, layer: layers.Conv2D, x: Tensor, norm: layers.BatchNormalization | None) -> Tensor:
        kernel, bias = self._weights.convolution(layer, norm)
        x = tf.nn.conv2d(x, self._kernel(kernel), [1, *layer.strides, 1], layer.padding.upper())
        return x if bias is None else tf.nn.bias_add(x, tf.constant(bias))

    def _dense(self, layer: layers.Dense, x: Tensor) -> Tensor:
        # One product of [N * T, F] matrices instead of N of them.
        flat = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), self._kernel(self._weights.of(layer.kernel)))
        biased = tf.nn.bias_add(flat, tf.constant(self._weights.of(layer.bias)))
        return tf.reshape(biased, [-1, x.shape[1], layer.units])

    def _bidirectional(self, layer: layers.Bidirectional, x: Tensor) -> Tensor:
        steps = _time_first(x)
        forward = self._recurrence(layer.forward_layer, steps)
        backward = tf.reverse(self._recurrence(layer.backward_layer, tf.reverse(steps, [0])), [0])
        return _batch_first(tf.concat([forward, backward], -1))

    def _recurrence(self, layer: layers.LSTM, steps: Tensor) -> Tensor:
        """[T, N, F] to [T, N, U] by one kernel; its gates are in the order that Keras keeps: i, f, c, o."""
        cell = layer.cell
        weights = np.concatenate([self._weights.of(cell.kernel), self._weights.of(cell.recurrent_kernel)])
        zeros = tf.zeros([tf.shape(steps)[1], layer.units])
        peephole = tf.zeros([layer.units])  # asked for by the kernel, not used
        *_, hidden = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.constant(steps.shape[0], tf.int64),
            x=steps,
            cs_prev=zeros,
            h_prev=zeros,
            w=self._kernel(weights),
            wci=peephole,
            wcf=peephole,
            wco=peephole,
            b=tf.constant(self._weights.of(cell.bias)),
            cell_clip=0.0,
            use_peephole=False,
        )
        return hidden


def _emit_without_weights(layer: keras.layers.Layer, x: Tensor) -> Tensor:  # noqa: PLR0911 - a table
    match layer:
        case layers.AveragePooling2D():
            return tf.nn.avg_pool2d(x, layer.pool_size, layer.strides, layer.padding.upper())
        case layers.MaxPooling2D():
            return tf.nn.max_pool2d(x, layer.pool_size, layer.strides, layer.padding.upper())
        case layers.Concatenate():
            return tf.concat(x, layer.axis)
        case layers.Dropout():
            return x
        case layers.LeakyReLU():
            return tf.nn.leaky_relu(x, layer.negative_slope)
        case layers.ReLU():
            return tf.nn.relu(x)
        case layers.Permute():
            return tf.transpose(x, [0, *layer.dims])
        case layers.Rescaling():
            return tf.cast(x, tf.float32) * np.float32(layer.scale) + np.float32(layer.offset)
        case layers.Reshape():
            return tf.reshape(x, [-1, *layer.target_shape])
        case _:
            raise UnknownLayerError(f"the export does not know the layer {type(layer).__name__}")


def _time_first(x: Tensor) -> Tensor:
    return tf.transpose(x, [1, 0, 2])


_batch_first = _time_first  # the same exchange of the first two axes
