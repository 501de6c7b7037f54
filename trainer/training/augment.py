"""Pictures varied as scans and renderings vary.

Every random number comes from (seed, step), so that an interrupted run sees the same pictures again.
"""

from collections.abc import Callable
from typing import Any

from trainer.training.strength import STRENGTHS, Strength

__all__ = ["STRENGTHS", "Strength", "Tensor", "augmenter"]

Tensor = Any  # tensorflow publishes no types


def augmenter(strength: Strength, seed: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a tensorflow function (images uint8 [N, H, W, C], step int64 []) -> images uint8 [N, H, W, C].

    H, W and C must be known when it is traced.
    """
    # tensorflow and keras are imported only when training starts.
    import tensorflow as tf  # noqa: PLC0415

    from trainer.training.draws import Draws  # noqa: PLC0415
    from trainer.training.retouch import Retouch  # noqa: PLC0415
    from trainer.training.warp import warp  # noqa: PLC0415

    retouch = Retouch(strength)

    def augment(images: Tensor, step: Tensor) -> Tensor:
        if strength == Strength():
            return images
        draws = Draws(seed, step)
        varied = tf.cast(images, tf.float32)
        if strength.moves:
            varied = warp(varied, strength, draws)
        varied = retouch(varied, draws)
        return tf.cast(tf.clip_by_value(varied + 0.5, 0, 255), tf.uint8)  # + 0.5, because the cast cuts off

    return augment
