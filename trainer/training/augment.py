"""Pictures varied as scans and renderings vary: one geometric warp and one change of light per picture.

Every random number comes from (seed, step), so that an interrupted run sees the same pictures again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Tensor = Any  # tensorflow publishes no types


@dataclass(frozen=True)
class Strength:
    """Largest change of each kind; the actual one is uniform between minus and plus that.

    Attributes:
        rotate: in degrees.
        zoom: of each axis, as a share.
        shear: horizontal, in pixels per pixel of height.
        shift: as a share of width and height.
        contrast: as a share.
        brightness: in gray levels of 255.
    """

    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0


STRENGTHS: Mapping[str, Strength] = MappingProxyType(
    {
        "off": Strength(),
        "light": Strength(rotate=2, zoom=0.03, shear=0.05, shift=0.02, contrast=0.1, brightness=15),
        "strong": Strength(rotate=5, zoom=0.08, shear=0.12, shift=0.04, contrast=0.2, brightness=25),
    }
)


def augmenter(strength: Strength, seed: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a tensorflow function (images uint8 [N, H, W, C], step int64) -> images uint8 [N, H, W, C].

    The warp maps each output pixel p, counted from the centre, to A p + t in the input (one bilinear look-up for
    rotation, zoom, shear and shift together); what lies outside repeats the edge.
    """
    import tensorflow as tf  # noqa: PLC0415 - tensorflow is imported only when training starts

    def uniform(stream: int, step: Tensor, shape: list[Tensor], limit: float) -> Tensor:
        return tf.random.stateless_uniform(shape, [seed * 16 + stream, step], -limit, limit)

    def augment(images: Tensor, step: Tensor) -> Tensor:
        shape = tf.shape(images)
        count, height, width = shape[0], shape[1], shape[2]
        angle = uniform(0, step, [count], strength.rotate * 3.14159265 / 180)
        zoom = 1 + uniform(1, step, [count, 2], strength.zoom)
        shear = uniform(2, step, [count], strength.shear)
        shift = uniform(3, step, [count, 2], strength.shift)
        cos, sin = tf.cos(angle), tf.sin(angle)
        a, b = zoom[:, 0] * cos, shear - sin
        c, d = sin, zoom[:, 1] * cos
        x0, y0 = tf.cast(width - 1, tf.float32) / 2, tf.cast(height - 1, tf.float32) / 2
        tx = x0 - a * x0 - b * y0 + shift[:, 0] * tf.cast(width, tf.float32)
        ty = y0 - c * x0 - d * y0 + shift[:, 1] * tf.cast(height, tf.float32)
        zero = tf.zeros_like(a)
        warped = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=tf.stack([a, b, tx, c, d, ty, zero, zero], axis=1),
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        gain = 1 + uniform(4, step, [count, 1, 1, 1], strength.contrast)
        level = uniform(5, step, [count, 1, 1, 1], strength.brightness)
        mean = tf.reduce_mean(warped, axis=[1, 2, 3], keepdims=True)
        return tf.cast(tf.clip_by_value((warped - mean) * gain + mean + level + 0.5, 0, 255), tf.uint8)

    return augment
