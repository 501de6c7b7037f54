"""Graphs of captcha_trainer, dropped as they are with their YAMLs, are read symbol by symbol as by their platform."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import engine
from contract.ops import ALLOWED_OPS
from engine import EngineError, GraphError
from tests.engine import legacy_graphs as graphs

FRAMES = 16
WIDTH = FRAMES * graphs.FRAME
DIGITS = "0123456789"
LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"

EARLY = """
Model:
  Sites: ['login.example']
  ModelName: old_9812
  ModelType: {width}x20
  CharSet: {charset}
  CharExclude: {exclude}
  CharReplace: {{}}
  ImageWidth: {width}
  ImageHeight: 20
System:
  DeviceUsage: 0.7
Pretreatment:
  Binaryzation: -1
  Smoothing: -1
  Blur: -1
"""

LATER = """
System: {{MemoryUsage: 0.7, Version: 2}}
NeuralNet: {{RecurrentNetwork: BiLSTM, UnitsNum: 64, OutputLayer: {{LossFunction: {loss}, Decoder: {loss}}}}}
Model: {{ModelName: old_9812, ModelField: Image, ModelScene: Classification}}
FieldParam:
  Category: {charset}
  Resize: [{width}, 20]
  ImageChannel: {channels}
  ImageWidth: {width}
  ImageHeight: 20
  MaxLabelNum: 6
  OutputSplit: ''
  AutoPadding: false
"""


def pair(folder: Path, yaml: str, graph: bytes) -> Path:
    """Lay a pair out as captcha_platform had it; return the path of the YAML."""
    for name in ("graph", "model"):
        (folder / name).mkdir()
    (folder / "graph" / "old_9812.pb").write_bytes(graph)
    path = folder / "model" / "old_9812_model.yaml"
    path.write_text(yaml, "utf-8")
    return path


def read(path: Path, runs: Sequence[Sequence[int]], count: int, frames: int = FRAMES, channels: int = 1) -> list[Any]:
    """Read pictures of rows of classes, each filled up with the last class, the blank of CTC."""
    contents = []
    for classes in runs:
        row = [*classes, *[count - 1] * (frames - len(classes))]
        buffer = io.BytesIO()
        Image.fromarray(graphs.drawn(row, count, channels)).save(buffer, "PNG")
        contents.append(buffer.getvalue())
    recognizer = engine.load(path)
    try:
        return recognizer.read(contents)
    finally:
        recognizer.close()


@pytest.mark.parametrize(
    ("charset", "exclude", "symbols"),
    [
        ("NUMERIC", "[]", DIGITS),
        ("ALPHANUMERIC_LOWER", "[]", LOWER),
        ("ALPHANUMERIC_LOWER", "['0', 'o', 'l']", "".join(c for c in LOWER if c not in "0ol")),
        ("['猫', '犬', '鸟']", "[]", "猫犬鸟"),
    ],
)
def test_each_class_of_the_early_generation_is_its_symbol(
    charset: str, exclude: str, symbols: str, tmp_path: Path
) -> None:
    count = len(symbols) + 3
    yaml = EARLY.format(charset=charset, exclude=exclude, width=WIDTH)
    path = pair(tmp_path, yaml, graphs.early(len(symbols), FRAMES))
    readings = read(path, [[number] for number in range(1, len(symbols) + 1)], count)
    assert [reading.text for reading in readings] == list(symbols)
    assert all(reading.confidence > 0.9 for reading in readings)


def test_texts_of_the_early_generation(tmp_path: Path) -> None:
    yaml = EARLY.format(charset="NUMERIC", exclude="[]", width=WIDTH)
    path = pair(tmp_path, yaml, graphs.early(10, FRAMES))
    nothing, unused, blank = 0, 11, 12
    runs = {
        "1234": [2, 2, 3, 4, 4, 4, 5],
        "0042": [1, blank, 1, blank, 5, 5, 3],
        "99": [10, blank, 10],
        "9": [10, 10, 10],
        "": [],
        "78": [8, nothing, 9],
        "33": [4, unused, 4],
    }
    readings = read(path, list(runs.values()), 13)
    assert [reading.text for reading in readings] == list(runs)
    assert not any(reading.error for reading in readings)


@pytest.mark.parametrize("channels", [1, 3])
def test_texts_of_the_later_generation(channels: int, tmp_path: Path) -> None:
    yaml = LATER.format(charset="NUMERIC", loss="CTC", width=WIDTH, channels=channels)
    path = pair(tmp_path, yaml, graphs.later(10, channels))
    separator, blank = 11, 12
    runs = {
        **{symbol: [number] for number, symbol in enumerate(DIGITS, start=1)},
        "1234": [2, 3, 4, 5],
        "0042": [1, separator, 1, blank, 5, 5, 3],
        "77": [8, blank, 8],
        "": [],
        "123456": [2, 3, 4, 5, 6, 7],
    }
    readings = read(path, list(runs.values()), 13, channels=channels)
    assert [reading.text for reading in readings] == list(runs)
    assert all(reading.confidence > 0.9 for reading in readings)


def test_texts_of_the_later_generation_with_a_class_for_each_place(tmp_path: Path) -> None:
    yaml = LATER.format(charset="NUMERIC", loss="CrossEntropy", width=6 * graphs.FRAME, channels=1)
    path = pair(tmp_path, yaml, graphs.later_fixed(10, 6))
    runs = {"123456": [2, 3, 4, 5, 6, 7], "1234": [0, 0, 2, 3, 4, 5], "007": [0, 0, 0, 1, 1, 8], "": [0] * 6}
    readings = read(path, list(runs.values()), 11, frames=6)
    assert [reading.text for reading in readings] == list(runs)
    assert {reading.confidence for reading in readings} == {0.0}  # nothing is known of their worth


def test_both_generations_bring_their_loops() -> None:
    assert {"Enter", "LoopCond", "NextIteration", "TensorArrayV3", "CTCBeamSearchDecoder"} <= operations(
        graphs.early(10, FRAMES)
    )
    assert {"StatelessWhile", "TensorListReserve", "TensorListSetItem"} <= operations(graphs.later(10))
    assert operations(graphs.early(10, FRAMES)) | operations(graphs.later(10)) <= ALLOWED_OPS


def operations(graph: bytes) -> set[str]:
    import tensorflow as tf  # noqa: PLC0415 - imported by then

    definition = tf.compat.v1.GraphDef.FromString(graph)
    return {node.op for node in definition.node} | {
        node.op for function in definition.library.function for node in function.node_def
    }


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        (EARLY.format(charset="ALPHANUMERIC", exclude="[]", width=WIDTH), "13 classes.* has 65"),
        (
            EARLY.format(charset="NUMERIC", exclude="[]", width=60),
            r"shape \[-1, 64, 20, 1\]; .*\[-1, 60, 20, 1\] \[N, W",
        ),
    ],
)
def test_a_yaml_that_does_not_fit_its_graph_is_refused(yaml: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=reason):
        engine.load(pair(tmp_path, yaml, graphs.early(10, FRAMES)))


def test_a_missing_graph_of_an_old_model_is_named(tmp_path: Path) -> None:
    path = pair(tmp_path, EARLY.format(charset="NUMERIC", exclude="[]", width=WIDTH), b"")
    (tmp_path / "graph" / "old_9812.pb").unlink()
    with pytest.raises(EngineError, match=r"its graph is missing; looked for .*old_9812\.pb"):
        engine.load(path)


def test_a_graph_without_scores_is_read_without_confidence(tmp_path: Path) -> None:
    graph = renamed(graphs.early(10, FRAMES), "output/predict", "elsewhere")
    readings = read(pair(tmp_path, EARLY.format(charset="NUMERIC", exclude="[]", width=WIDTH), graph), [[2, 3]], 13)
    assert [(reading.text, reading.confidence) for reading in readings] == [("12", 0.0)]


def renamed(graph: bytes, old: str, new: str) -> bytes:
    import tensorflow as tf  # noqa: PLC0415 - imported by then

    definition = tf.compat.v1.GraphDef.FromString(graph)
    for node in definition.node:
        node.name = new if node.name == old else node.name
        node.input[:] = [new if name == old else name for name in node.input]
    content: bytes = definition.SerializeToString()
    return content
