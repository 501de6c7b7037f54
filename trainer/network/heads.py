"""The parts that spell: frames `[N, T, F]` to scores. A score of class 0 says that no symbol is there."""

import math

import keras
from keras import KerasTensor, layers

from contract.decode import HeadName
from trainer.config import NeuralNetSection

OUTPUT = "logits"  # name of the layer that gives the scores


def head(frames: KerasTensor, net: NeuralNetSection, classes: int) -> KerasTensor:
    """Return scores float32 of frames [N, T, F] by the head that the config names: [N, T, K] or [N, P, K]."""
    return ctc(frames, classes) if net.MaxLabelNum is None else fixed(frames, net, net.MaxLabelNum, classes)


def head_of(model: keras.Model) -> HeadName:
    """Return the kind of head that a network from `trainer.network.build` has."""
    return "fixed" if isinstance(model.get_layer(OUTPUT), layers.EinsumDense) else "ctc"


def ctc(frames: KerasTensor, classes: int) -> KerasTensor:
    """Scores of each frame by itself, for texts of any length (Graves et al. 2006).

    Args:
        frames: [N, T, F].
        classes: K; class 0 is the blank.

    Returns:
        float32 [N, T, K]. (F + 1) * K parameters.
    """
    return layers.Dense(classes, dtype="float32", name=OUTPUT)(frames)


def fixed(frames: KerasTensor, net: NeuralNetSection, positions: int, classes: int) -> KerasTensor:
    """One classifier for each position of the text, which sees all frames: as cnn_captcha and its like have.

    Args:
        frames: [N, T, F].
        net: its `Dense` and `DensePerPosition` are layers with ReLU before the classifiers.
        positions: P, symbols in the longest text.
        classes: K; class 0 is the padding behind shorter texts.

    Returns:
        float32 [N, P, K]. (T * F + 1) * P * K parameters if there are no layers between.
    """
    _, count, features = frames.shape
    x = layers.Reshape((count * features,))(frames)
    for units in net.Dense:
        x = _rectified(layers.Dense(units)(x), net)
    for units in net.DensePerPosition:
        x = _rectified(_per_position(x, positions, units), net)
    return _per_position(x, positions, classes, dtype="float32", name=OUTPUT)


def _rectified(x: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    x = layers.ReLU()(x)
    return layers.Dropout(1 - net.DenseKeepProb)(x) if net.DenseKeepProb < 1 else x


def _per_position(x: KerasTensor, positions: int, units: int, **settings: str) -> KerasTensor:
    """[N, F], which all positions share, or [N, P, F], to [N, P, units] with weights of each position's own."""
    equation = "nf,fpu->npu" if len(x.shape) == 2 else "npf,pfu->npu"
    limit = math.sqrt(6 / (x.shape[-1] + units))  # Glorot's; Keras would count the positions among the features
    return layers.EinsumDense(
        equation,
        (positions, units),
        bias_axes="pu",
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
        **settings,
    )(x)
