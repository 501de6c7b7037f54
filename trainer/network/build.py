"""The whole network: uint8 pictures in, scores out."""

import keras
from keras import KerasTensor, layers

from trainer.config import Arithmetic, NeuralNetSection, TrainConfig
from trainer.errors import TrainerError
from trainer.network.backbones import backbone
from trainer.network.geometry import frames, rows
from trainer.network.heads import head

FRAMES = "frames"  # name of the layer that gives the backbone's features frame by frame


def build(config: TrainConfig, precision: Arithmetic = "float32") -> keras.Model:
    """Build the network that a config describes, with fresh weights.

    Args:
        config: sections NeuralNet, Model and Pretreatment are used.
        precision: `bfloat16` multiplies in bfloat16 and keeps weights, batch statistics and scores in float32.

    Returns:
        A model from images uint8 [N, H, W, C] to logits float32 [N, T, K]; class 0 is the CTC blank, or the padding of
        a head with T positions.

    Raises:
        TrainerError: the pictures are too small for the network.
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
    if not (frames(net, width) and rows(net, height)):
        raise TrainerError(
            f"the network {net.CNNNetwork} leaves nothing of pictures of {width}x{height}: give it fewer or smaller "
            f"pools and less `valid` padding, or the pictures a larger Pretreatment.Resize"
        )
    images = keras.Input((height, width, config.Pretreatment.ImageChannel), dtype="uint8", name="input")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(images)  # 0..255 to -1..1
    x = _frames_first(backbone(x, net))
    x = _dropout(x, net)
    if net.RecurrentNetwork != "None":
        for _ in range(net.RecurrentLayers):
            x = _recurrent(x, net)
        x = _dropout(x, net)
    return keras.Model(images, head(x, net, config.charset.classes), name=config.Model.ModelName)


def _frames_first(features: KerasTensor) -> KerasTensor:
    """[N, H', T, F] to [N, T, H' * F]: one row of features per frame, feature index h * F + f as in captcha_trainer."""
    _, height, count, filters = features.shape
    x = layers.Permute((2, 1, 3))(features)
    return layers.Reshape((count, height * filters), name=FRAMES)(x)


def _dropout(x: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    return layers.Dropout(1 - net.KeepProb)(x) if net.KeepProb < 1 else x


def _recurrent(x: KerasTensor, net: NeuralNetSection) -> KerasTensor:
    """[N, T, F] to [N, T, 2 * HiddenNum]: both directions side by side, or one of twice the width."""
    if net.RecurrentNetwork in {"BLSTM", "BGRU"}:
        return layers.Bidirectional(_one_direction(net, net.HiddenNum))(x)
    return _one_direction(net, 2 * net.HiddenNum)(x)


def _one_direction(net: NeuralNetSection, units: int) -> layers.Layer:
    if net.RecurrentNetwork in {"LSTM", "BLSTM"}:
        return layers.LSTM(units, return_sequences=True)
    # Reset before the recurrent product (Cho et al. 2014), because TensorFlow has a CPU kernel for such a step. cuDNN's
    # GRU resets behind the product and has a second bias; without that kernel it reads at half the speed.
    return layers.GRU(units, return_sequences=True, reset_after=False)
