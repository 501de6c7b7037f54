"""Frozen graphs as both generations of captcha_trainer left them, built here from what is known of their interfaces.

Input float32 [N, W, H, C] in 0..1, width first; texts in `dense_decoded`, as numbers into ['', symbols..., '']; CTC
scores [T, N, symbols + 3] in `output/predict`, the blank last. Where those networks saw, these measure: the mean
brightness of the red of each `FRAME` columns names the class of that frame, so a test can draw what is to be read.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.quiet import import_tensorflow

FRAME = 4  # columns
HEIGHT = 20


def drawn(classes: Sequence[int], count: int, channels: int = 1) -> npt.NDArray[np.uint8]:
    """Draw uint8 [H, W] or [H, W, 3] with a frame for each class of `count`; green and blue are noise."""
    row = np.repeat(np.round(255 * np.asarray(classes) / (count - 1)).astype(np.uint8), FRAME)
    if channels == 1:
        return np.tile(row, (HEIGHT, 1))
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, len(row), 3), np.uint8)
    picture[..., 0] = row
    return picture


def early(symbols: int, frames: int) -> bytes:
    """The generation of 2019: TensorFlow 1's own loop, beam search of 100, texts filled with -1."""
    tf = _tensorflow()
    count = symbols + 3
    tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            images = tf.compat.v1.placeholder(tf.float32, [None, frames * FRAME, HEIGHT, 1], name="input")
            levels = _recurrent(_seen(images))
            scores = tf.identity(tf.transpose(_scores(levels, count), [1, 0, 2]), name="output/predict")
            lengths = tf.fill([tf.shape(images)[0]], frames, name="seq_len")
            decoded, _ = tf.compat.v1.nn.ctc_beam_search_decoder(scores, lengths, merge_repeated=False)
            tf.sparse.to_dense(decoded[0], default_value=-1, name="dense_decoded")
    finally:
        tf.compat.v1.enable_control_flow_v2()
    return _frozen(graph)


def later(symbols: int, channels: int = 3) -> bytes:
    """The generation of 2020: any width, functional loops, beam of 1, texts filled with the last class but one."""
    tf = _tensorflow()
    count = symbols + 3
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, HEIGHT, channels], name="input")
        levels = _recurrent(_seen(images))
        scores = tf.identity(tf.transpose(_scores(levels, count), [1, 0, 2]), name="output/predict")
        lengths = tf.fill([tf.shape(scores)[1]], tf.shape(scores)[0])
        decoded, _ = tf.nn.ctc_beam_search_decoder(scores, lengths, beam_width=1)
        tf.sparse.to_dense(decoded[0], default_value=symbols + 1, name="dense_decoded")
    return _frozen(graph)


def later_fixed(symbols: int, length: int) -> bytes:
    """The generation of 2020 with cross-entropy: a class for each place of the text, 0 where there is none."""
    tf = _tensorflow()
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, length * FRAME, HEIGHT, 1], name="input")
        scores = tf.nn.softmax(_scores(_seen(images), symbols + 1))
        tf.argmax(scores, -1, name="dense_decoded")
    return _frozen(graph)


def _seen(images: Any) -> Any:
    """[N, W, H, C] to brightness float32 [N, T], through what those networks are made of."""
    import tensorflow as tf  # noqa: PLC0415 - imported by the callers

    channels = images.shape[-1]
    kernel = np.zeros((1, 1, channels, 2), np.float32)
    kernel[0, 0, 0] = 1
    x = tf.nn.bias_add(tf.nn.conv2d(images, kernel, 1, "SAME"), tf.zeros(2))
    x, *_ = tf.compat.v1.nn.fused_batch_norm(
        x, tf.ones(2), tf.zeros(2), tf.zeros(2), tf.ones(2), 0.0, is_training=False
    )
    x = tf.nn.max_pool2d(tf.nn.leaky_relu(x, 0.01), 1, 1, "SAME")
    by_frame = tf.reshape(x, [tf.shape(x)[0], -1, FRAME * HEIGHT * 2])
    return tf.reduce_mean(by_frame, -1)


def _recurrent(levels: Any) -> Any:
    """Pass [N, T] on, frame by frame, through a loop with arrays."""
    import tensorflow as tf  # noqa: PLC0415 - imported by the callers

    frames = tf.shape(levels)[1]
    source = tf.TensorArray(tf.float32, frames, element_shape=[None]).unstack(tf.transpose(levels))
    target = tf.TensorArray(tf.float32, frames, element_shape=[None])
    _, target = tf.while_loop(
        lambda step, _: step < frames, lambda step, to: (step + 1, to.write(step, source.read(step))), (0, target)
    )
    return tf.transpose(target.stack())


def _scores(levels: Any, count: int) -> Any:
    """[N, T] to scores [N, T, K]: the nearer a level is to a class's, the higher."""
    import tensorflow as tf  # noqa: PLC0415 - imported by the callers

    return -20 * tf.square(levels[..., tf.newaxis] * (count - 1) - tf.range(count, dtype=tf.float32))


def _frozen(graph: Any) -> bytes:
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


def _tensorflow() -> Any:
    import_tensorflow()
    import tensorflow as tf  # noqa: PLC0415 - late, and without keras

    return tf
