"""The whole network: uint8 pictures in, CTC scores out."""

import keras
from keras import KerasTensor, layers

from trainer.config import Arithmetic, NeuralNetSection, TrainConfig
from trainer.network.backbones import backbone


def build(config: TrainConfig, precision: Arithmetic = "float32") -> keras.Model:
    """Build the network that a config describes, with fresh weights.

    Args:
        config: sections NeuralNet, Model and Pretreatment are used.
        precision: `bfloat16` multiplies in bfloat16 and keeps weights, batch statistics and scores in float32.

    Returns:
        A model from images uint8 [N, H, W, C] to logits float32 [N, T, K]; class 0 is the CTC blank.
    """
    policy = keras.DTypePolicy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return _model(config)
    finally:
        keras.config.set_dtype_policy(previous)


def _model(config: TrainConfig) -> keras.Model:
    net = config.NeuralNet
    width, height = config.input_size
    images = keras.Input((height, width, config.Pretreatment.ImageChannel), dtype="uint8", name="input")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(images)  # 0..255 to -1..1
    x = _frames_first(backbone(x, net))
    x = _dropout(x, net)
    for _ in range(net.RecurrentLayers):
        x = _recurrent(x, net)
    x = _dropout(x, net)
    logits = layers.Dense(config.charset.classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name=config.Model.ModelName)


def _frames_first(features: KerasTensor) -> KerasTensor:
    """[N, H', T, F] to [N, T, H' * F]: one row of features per frame, feature index h * F + f as in captcha_trainer."""
    _, height, frames, filters = features.shape
    x = layers.Permute((2, 1, 3))(features)
    return layers.Reshape((frames, height * filters))(x)


def _dropout(x: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    return layers.Dropout(1 - net.KeepProb)(x) if net.KeepProb < 1 else x


def _recurrent(x: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    """[N, T, F] to [N, T, 2 * HiddenNum]: both directions side by side, or one of twice the width."""
    if net.RecurrentNetwork == "LSTM":
        return layers.LSTM(2 * net.HiddenNum, return_sequences=True)(x)
    return layers.Bidirectional(layers.LSTM(net.HiddenNum, return_sequences=True))(x)
