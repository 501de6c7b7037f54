"""A second head for the beginning of a CTC training: it scores each frame by what the backbone alone sees there.

A recurrent part carries what it sees to where it is said, and CTC does not mind where that is. In pictures with margins
it likes to say the last symbols in the frames behind the text, and mixes up their order ever after. A head before the
recurrent part cannot wait: it teaches the backbone to know each symbol at its place, and there the recurrent part finds
it. CTC losses on layers further down are those of Lee and Watanabe (2021, arXiv 2102.03216).
"""

import keras
from keras import layers

from trainer.network.build import FRAMES
from trainer.training.loss import BeginningLoss, PresenceLoss

LOCAL = "local"


def with_local_head(model: keras.Model) -> keras.Model:
    """Return a network that shares everything with another one, and scores its frames a second time.

    Args:
        model: of `trainer.network.build` with a CTC head: images uint8 [N, H, W, C] to logits float32 [N, T, K].

    Returns:
        A model from the same images to two logits float32 [N, T, K]: those of the other, and the local ones. Where the
        network has no recurrent part its own are local, so these are the same.
    """
    if _has_recurrence(model):
        frames = model.get_layer(FRAMES).output
        local = layers.Dense(model.output.shape[-1], dtype="float32", name=LOCAL)(frames)
    else:
        local = layers.Identity(dtype="float32", name=LOCAL)(model.output)
    return keras.Model(model.input, [model.output, local])


def local_loss(model: keras.Model) -> keras.losses.Loss:
    """Return what the local scores of a network are to make small, beside CTC of its own."""
    return BeginningLoss() if _has_recurrence(model) else PresenceLoss()


def _has_recurrence(model: keras.Model) -> bool:
    return any(isinstance(layer, layers.RNN | layers.Bidirectional) for layer in model.layers)
