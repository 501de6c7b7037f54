"""Scores and decoded texts of other types, sizes or numbers than the layout's are refused before a picture is read."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import engine
from contract.files import sha256
from contract.spec import ModelSpec
from engine.errors import EngineError, GraphError
from engine.proof import prove
from engine.reading import Reading
from tests.engine.bombs import SIZE, bomb

CLASSES = 11


def graph(scores: Callable[[Any, Any], Any], decoded: Callable[[Any, Any], Any]) -> tuple[ModelSpec, bytes]:
    """Return a model whose outputs are made of tensorflow and the number of pictures."""
    spec, _ = bomb("harmless")
    import tensorflow as tf  # noqa: PLC0415 - late, and without keras

    with tf.Graph().as_default() as built:
        pictures = tf.compat.v1.placeholder(tf.uint8, [None, SIZE[1], SIZE[0], 1], name="input")
        count = tf.shape(pictures)[0]
        tf.identity(scores(tf, count), name="logits")
        tf.identity(decoded(tf, count), name="dense_decoded")
        content: bytes = built.as_graph_def().SerializeToString()
    return spec.model_copy(update={"Graph": spec.Graph.model_copy(update={"SHA256": sha256(content)})}), content


def filled(value: Any, *shape: int) -> Callable[[Any, Any], Any]:
    return lambda tf, count: tf.fill(tf.stack([count, *shape]), tf.constant(value))


SCORES = filled(np.float32(0.5), 2, CLASSES)
DECODED = filled(np.int64(0), 2)


def test_what_fits_is_read() -> None:
    recognizer = engine.open_model(*graph(SCORES, DECODED))
    prove(recognizer, 4)
    assert len(recognizer.read_pixels(np.zeros((3, SIZE[1], SIZE[0], 1), np.uint8))) == 3


@pytest.mark.parametrize(
    ("scores", "decoded", "reason"),
    [
        (filled(np.float64(0.5), 2, CLASSES), DECODED, "logits:0 is of type float64 instead of float32"),
        (filled(1, 2, CLASSES), DECODED, "logits:0 is of type int32 instead of float32"),
        (filled("x", 2, CLASSES), DECODED, "logits:0 is of type string instead of float32"),
        (filled(np.float32(0.5), CLASSES), DECODED, "logits:0 has 2 axes instead of 3"),
        (lambda tf, _: tf.fill([1, 2, CLASSES], 0.5), DECODED, "logits:0 is for a batch of 1"),
        (SCORES, filled(np.float32(0.5), 2), "dense_decoded:0 is of type float32 instead of int64"),
        (SCORES, filled("a", 2), "dense_decoded:0 is of type string instead of int64"),
        (SCORES, lambda tf, _: tf.constant(1, tf.int64), "dense_decoded:0 has 0 axes instead of 2"),
        (SCORES, lambda tf, _: tf.zeros([1, 2], tf.int64), "dense_decoded:0 is for a batch of 1"),
    ],
)
def test_what_can_never_fit_is_refused(scores: Any, decoded: Any, reason: str) -> None:
    with pytest.raises(GraphError, match=reason):
        engine.open_model(*graph(scores, decoded))


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (lambda tf, count: tf.fill(tf.stack([count, 2, count + 6]), 0.5), r"it gave \[1, 2, 7\] for 1 pictures"),
        (lambda tf, count: tf.fill(tf.stack([count * count, 2, CLASSES]), 0.5), r"it gave \[16, 2, 11\] for 4"),
    ],
)
def test_what_turns_out_not_to_fit_is_found_by_the_proof(scores: Any, reason: str) -> None:
    recognizer = engine.open_model(*graph(scores, DECODED))
    with pytest.raises(EngineError, match=reason):
        prove(recognizer, 4)


def test_a_reading_for_each_picture_is_asked_for() -> None:
    class Lazy:
        spec = bomb("harmless")[0]

        def read_pixels(self, pixels: Any) -> list[Reading]:
            return [Reading("", 0.0)] * min(1, len(pixels))

        def close(self) -> None:
            pass

    with pytest.raises(EngineError, match="1 readings for 4 pictures"):
        prove(Lazy(), 4)
