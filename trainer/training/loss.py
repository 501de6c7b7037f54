"""What a network is to make small: the loss of its head, in nats."""

from typing import Any

import keras
from keras import ops

from contract.decode import HeadName


def loss_of(head: HeadName) -> keras.losses.Loss:
    """Return the loss of a head: mean over the pictures of a batch, of labels int32 [B, L] filled with 0."""
    return keras.losses.CTC() if head == "ctc" else FixedLoss()


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
