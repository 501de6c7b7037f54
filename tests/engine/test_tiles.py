"""A graph whose convolutions multiply less gives what it gave before."""

from typing import Any

import numpy as np
import pytest

from engine.quiet import import_tensorflow

GAINS: dict[str, Any] = {"kernel": (5, 5), "strides": 1, "padding": "SAME", "dilations": 1}


def graph_of(kernel: tuple[int, int], shape: Any = (None, 9, 6, 32), **settings: Any) -> Any:
    """Pictures [N, 9, 6, 32] to a convolution of them, twice: as it is, and with a bias."""
    import tensorflow as tf  # noqa: PLC0415 - late

    weights = np.random.default_rng(0).normal(0, 0.1, (*kernel, 32, 64)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, shape, name="input")
        seen = tf.nn.conv2d(images, weights, name="seen", **settings)
        tf.identity(seen, name="plain")
        tf.nn.bias_add(seen, tf.range(64, dtype=tf.float32), name="biased")
    return graph


def outputs(graph: Any) -> tuple[list[Any], set[str]]:
    """What a graph gives for some pictures, and the convolutions that it makes for it."""
    import tensorflow as tf  # noqa: PLC0415

    images = np.random.default_rng(1).normal(size=(3, 9, 6, 32)).astype(np.float32)
    made = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), ["plain", "biased"]).node
    with tf.compat.v1.Session(graph=graph) as session:
        found = session.run(["plain:0", "biased:0"], {"input:0": images})
    return found, {node.name for node in made if node.op == "Conv2D"}


@pytest.mark.parametrize(
    ("settings", "gains"),
    [
        (GAINS, True),
        (GAINS | {"strides": 2}, False),
        (GAINS | {"dilations": 2}, False),
        (GAINS | {"padding": "VALID"}, False),
        (GAINS | {"kernel": (1, 5)}, False),
        (GAINS | {"shape": (None, 9, None, 32)}, False),
        (GAINS | {"shape": None}, False),
    ],
)
def test_results_are_the_same(settings: dict[str, Any], gains: bool) -> None:
    import_tensorflow()
    from engine.tiles import hasten  # noqa: PLC0415 - it imports tensorflow

    graph = graph_of(**settings)
    before, (name,) = outputs(graph)
    hasten(graph)
    after, names = outputs(graph)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
    assert (name not in names and len(names) > 1) if gains else names == {name}
