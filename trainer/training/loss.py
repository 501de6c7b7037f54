"""What a network is to make small: the loss of its head, in nats."""

from typing import Any

import keras
from keras import ops

from contract.decode import HeadName

_TINY = 1e-10  # a share that rounds to nothing costs 23 nats


def loss_of(head: HeadName) -> keras.losses.Loss:
    """Return the loss of a head: mean over the pictures of a batch, of labels int32 [B, L] filled with 0."""
    return keras.losses.CTC() if head == "ctc" else FixedLoss()


class PresenceLoss(keras.losses.Loss):  # type: ignore[misc] # keras publishes no types
    """How well is known which symbols a text has, wherever they are: of a picture, -sum log m[label] - L log L.

    m is the mean over all frames of the softmax over the symbols, without the blank; where each of the L symbols has
    its share of the frames, this is 0. So every frame of a symbol learns
    that it belongs to this text, where CTC teaches one frame alone. Such bags of labels are what is known in learning
    from multiple instances (Dietterich et al. 1997), and aggregation cross-entropy reads texts by them (Xie et al.
    2019, arXiv 1904.08364). What frames say of the blank is left to CTC.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any Keras backend
        """Return the loss of each picture, float32 [B].

        Args:
            y_true: classes [B, L], filled with 0.
            y_pred: logits [B, T, K]; class 0 is the blank.
        """
        labels = ops.cast(y_true, "int32")
        shown = ops.cast(labels > 0, "float32")
        length = ops.sum(shown, axis=1)
        present = ops.mean(ops.softmax(y_pred[:, :, 1:], axis=-1), axis=1)
        own = ops.take_along_axis(present, ops.maximum(labels - 1, 0), axis=1)
        least = length * ops.log(ops.maximum(length, 1.0))
        return -ops.sum(shown * ops.log(own + _TINY), axis=1) - least


class BeginningLoss(keras.losses.Loss):  # type: ignore[misc] # as above
    """CTC with `PresenceLoss` beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._ctc, self._presence = keras.losses.CTC(reduction=None), PresenceLoss(reduction=None)

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - as above
        """Return the loss of each picture, float32 [B]; arguments as for `PresenceLoss`."""
        return self._ctc(y_true, y_pred) + self._presence(y_true, y_pred)


class FixedLoss(keras.losses.Loss):  # type: ignore[misc] # keras publishes no types
    """Softmax cross-entropy of each position's class, mean over the positions: of a picture, -1/P sum log p[label].

    Positions behind the label are to be class 0, so a label says as much about its length as about its symbols.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - tensors of any Keras backend
        """Return the loss of each picture, float32 [B].

        Args:
            y_true: classes [B, L], filled with 0; symbols behind the P-th do not count.
            y_pred: logits [B, P, K].
        """
        labels = ops.cast(y_true, "int32")
        padding = ops.zeros_like(y_pred[:, :, 0], dtype="int32")  # as wide as is ever needed: L may be unknown here
        labels = ops.concatenate([labels, padding], axis=1)[:, : y_pred.shape[1]]
        losses = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=True)
        return ops.mean(losses, axis=-1)
