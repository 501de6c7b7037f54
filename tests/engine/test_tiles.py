"""A graph whose convolutions multiply less gives what it gave before."""

from time import process_time, sleep
from typing import Any

import numpy as np
import pytest

import engine
from contract.files import sha256
from engine.quiet import import_tensorflow
from tests.conftest import Artifact

GAINS: dict[str, Any] = {"kernel": (5, 5), "strides": 1, "padding": "SAME", "dilations": 1}


def graph_of(kernel: tuple[int, int], shape: Any = (None, 9, 6, 32), *, alone: bool = False, **settings: Any) -> Any:
    """Pictures [N, 9, 6, 32] to a convolution of them: with a bias, and unless this is alone, as it is as well."""
    import tensorflow as tf  # noqa: PLC0415 - late

    weights = np.random.default_rng(0).normal(0, 0.1, (*kernel, 32, 64)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, shape, name="input")
        seen = tf.nn.conv2d(images, weights, name="seen", **settings)
        more = tf.nn.bias_add(seen, tf.range(64, dtype=tf.float32))
        tf.identity(more, name="biased")
        tf.identity(more if alone else seen, name="plain")
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
        (GAINS | {"alone": True}, True),
        (GAINS | {"strides": 2}, False),
        (GAINS | {"dilations": 2}, False),
        (GAINS | {"padding": "VALID"}, False),
        (GAINS | {"kernel": (1, 5)}, False),
        (GAINS | {"shape": (None, 9, None, 32)}, False),
        (GAINS | {"shape": None}, False),
    ],
)
def test_results_are_the_same(settings: dict[str, Any], gains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import_tensorflow()
    from engine.tiles import hasten  # noqa: PLC0415 - it imports tensorflow

    monkeypatch.setattr("engine.tiles.LEAST_READING", 0)  # these pictures are small
    graph = graph_of(**settings)
    before, (name,) = outputs(graph)
    hasten(graph)
    after, names = outputs(graph)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
    assert (name not in names and len(names) > 1) if gains else names == {name}


def test_small_pictures_are_convolved_as_ever() -> None:
    import_tensorflow()
    from engine.tiles import hasten  # noqa: PLC0415 - it imports tensorflow

    graph = graph_of(**GAINS)
    _, before = outputs(graph)
    hasten(graph)
    assert outputs(graph)[1] == before


def test_hastening_leaves_no_threads_busy() -> None:
    import_tensorflow()
    from engine.tiles import hasten  # noqa: PLC0415 - it imports tensorflow

    graph = graph_of(**GAINS | {"kernel": (7, 5), "shape": (None, 32, 60, 32)})  # at 5 x 5 numpy's BLAS uses none
    hasten(graph)
    before = process_time()
    sleep(0.3)
    assert process_time() - before < 0.05
    assert "seen/tiles/Conv2D" in {node.name for node in graph.as_graph_def().node}


def looped(artifact: Artifact) -> bytes:
    """The artifact's graph, of pictures that a loop gave nothing, by a convolution that would gain."""
    import tensorflow as tf  # noqa: PLC0415

    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    (place,) = [index for index, node in enumerate(definition.node) if node.name == "input"]
    del definition.node[place]
    _, height, width, _ = artifact.model.input_shape

    def unchanged(turn: Any, seen: Any) -> Any:
        many = tf.tile(tf.reshape(seen, [-1, height, width, 1]), [1, 1, 1, 32])
        nothing = tf.nn.conv2d(many, tf.zeros((5, 5, 32, 64)), 1, "SAME")
        return turn + 1, seen + nothing[..., :1]

    tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            images = tf.compat.v1.placeholder(tf.uint8, [None, height, width, 1], name="input")
            start = [tf.constant(0), tf.cast(images, tf.float32)]
            _, seen = tf.while_loop(lambda turn, _: turn < 2, unchanged, start)
            tf.import_graph_def(definition, {"input:0": tf.cast(seen, tf.uint8)}, name="")
    finally:
        tf.compat.v1.enable_control_flow_v2()
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


def test_a_graph_with_a_loop_is_left_as_it_is(artifact: Artifact) -> None:
    import_tensorflow()
    content = looped(artifact)
    section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(content)})
    pixels = np.random.default_rng(2).integers(0, 256, (5, *artifact.model.input_shape[1:]), np.uint8)
    read = [
        engine.open_model(artifact.spec.model_copy(update={"Graph": graph}), made).read_pixels(pixels)
        for graph, made in ((artifact.spec.Graph, artifact.graph), (section, content))
    ]
    assert [one.text for one in read[1]] == [one.text for one in read[0]]
    assert len({one.text for one in read[0]}) > 1
