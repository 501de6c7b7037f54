"""The engine loads what it should, refuses the rest with the reason, and reads what the network reads."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from contract.decode import ctc_greedy
from contract.errors import NotAPictureError
from contract.files import sha256
from contract.image import to_pixels
from contract.measured import GoldenPicture
from contract.spec import ModelSpec
from engine import DigestError, EngineError, GraphError, arithmetic
from engine.proof import GoldenError, prove
from tests.conftest import Artifact, make_artifact, shared_artifact


def pictures(count: int, seed: int = 0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [png(rng.integers(0, 256, (16, 48), np.uint8)) for _ in range(count)]


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def described(artifact: Artifact, graph: bytes, **model: Any) -> ModelSpec:
    """The artifact's spec for other bytes of a graph, and other keys of `Model`."""
    section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(graph)})
    identity = artifact.spec.Model.model_validate({**artifact.spec.Model.model_dump(), **model})
    return artifact.spec.model_copy(update={"Graph": section, "Model": identity})


def changed(artifact: Artifact, change: Any) -> bytes:
    """The artifact's graph with a change made to its GraphDef."""
    import tensorflow as tf  # noqa: PLC0415 - the engine has imported it by then, without keras

    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    change(definition)
    content: bytes = definition.SerializeToString()
    return content


def test_reads_what_the_network_reads(artifact: Artifact, tmp_path: Path) -> None:
    recognizer = engine.load(artifact.write(tmp_path))
    contents = pictures(20)
    pixels = np.stack([recognizer.prepare(content) for content in contents])
    expected = np.asarray(artifact.model.predict_on_batch(pixels))
    np.testing.assert_allclose(recognizer.logits(pixels), expected, atol=1e-4)
    texts = [item.text for item in ctc_greedy(expected, artifact.spec.charset)]
    assert [reading.text for reading in recognizer.read(contents)] == texts
    assert len(set(texts)) > 1


def test_a_batch_reads_like_single_pictures(artifact: Artifact, tmp_path: Path) -> None:
    recognizer = engine.load(artifact.write(tmp_path))
    contents = pictures(9, seed=1)
    single = [recognizer.read([content])[0].text for content in contents]
    assert [reading.text for reading in recognizer.read(contents)] == single


def test_the_graphs_own_decoder_agrees_with_the_contract(artifact: Artifact, tmp_path: Path) -> None:
    recognizer = engine.load(artifact.write(tmp_path))
    pixels = np.stack([recognizer.prepare(content) for content in pictures(30, seed=2)])
    _, symbols = recognizer.logits_and_symbols(pixels)
    spelled = ["".join("0123456789"[number] for number in row if number >= 0) for row in symbols]
    assert spelled == [reading.text for reading in recognizer.read_pixels(pixels)]


def test_a_bad_picture_fails_alone_and_in_its_place(artifact: Artifact, tmp_path: Path) -> None:
    recognizer = engine.load(artifact.write(tmp_path))
    good = pictures(2)
    readings = recognizer.read([good[0], b"no picture", good[1]])
    assert isinstance(readings[1].error, NotAPictureError)
    assert [reading.text for reading in readings[::2]] == [reading.text for reading in recognizer.read(good)]
    assert recognizer.read([]) == []


def test_a_missing_graph_is_named(artifact: Artifact, tmp_path: Path) -> None:
    path = artifact.write(tmp_path)
    (tmp_path / "graph" / "small_1.0.pb").unlink()
    with pytest.raises(EngineError, match=r"its graph is missing; looked for .*small_1\.0\.pb"):
        engine.load(path)


@pytest.mark.parametrize("length", [0, 1, 1000, -1])
def test_cut_off_bytes_are_refused_by_their_digest(artifact: Artifact, length: int) -> None:
    with pytest.raises(DigestError, match=r"small_1\.0\.pb: its SHA-256 is"):
        engine.open_model(artifact.spec, artifact.graph[:length])


def test_bytes_that_are_no_graph_are_refused_even_with_their_digest(artifact: Artifact) -> None:
    for content, reason in ((b"\xff" * 100, "not a TensorFlow graph"), (b"", "the graph is empty")):
        with pytest.raises(GraphError, match=reason):
            engine.open_model(described(artifact, content), content)


def test_a_graph_cut_at_a_node_is_refused(artifact: Artifact) -> None:
    content = changed(artifact, lambda graph: graph.ClearField("versions"))
    with pytest.raises(GraphError, match="no version field"):
        engine.open_model(described(artifact, content), content)


def test_an_operation_outside_the_list_is_refused_by_name(artifact: Artifact) -> None:
    content = changed(artifact, lambda graph: graph.node.add(name="leak", op="WriteFile"))
    with pytest.raises(GraphError, match=r"WriteFile \(node 'leak'\)"):
        engine.open_model(described(artifact, content), content)


def test_an_operation_hidden_in_a_function_is_refused(artifact: Artifact) -> None:
    def hide(graph: Any) -> None:
        function = graph.library.function.add()
        function.signature.name = "harmless"
        function.node_def.add(name="leak", op="ReadFile")

    content = changed(artifact, hide)
    with pytest.raises(GraphError, match="ReadFile"):
        engine.open_model(described(artifact, content), content)


def test_a_gpu_device_is_refused(artifact: Artifact) -> None:
    def tie(graph: Any) -> None:
        graph.node[3].device = "/device:GPU:0"

    content = changed(artifact, tie)
    with pytest.raises(GraphError, match="only CPU is allowed"):
        engine.open_model(described(artifact, content), content)


def test_a_yaml_of_other_size_or_charset_is_refused(artifact: Artifact) -> None:
    with pytest.raises(GraphError, match=r"\[-1, 16, 48, 1\].*\[-1, 16, 50, 1\]"):
        engine.open_model(described(artifact, artifact.graph, ImageWidth=50), artifact.graph)
    with pytest.raises(GraphError, match=r"11 classes.*has 10"):
        engine.open_model(described(artifact, artifact.graph, CharExclude=["0"]), artifact.graph)


def test_a_fixed_head_of_other_positions_than_the_yaml_tells_is_refused() -> None:
    net = {"RecurrentNetwork": "None", "Head": "CrossEntropy", "MaxLabelNum": 4}
    fixed = shared_artifact(NeuralNet={"HiddenNum": 8, **net}, Pretreatment={"ImageChannel": 1})
    section = fixed.spec.Graph.model_copy(update={"MaxLabelNum": 5})
    with pytest.raises(GraphError, match=r"reads 4 positions, but Graph\.MaxLabelNum of the YAML is 5"):
        engine.open_model(fixed.spec.model_copy(update={"Graph": section}), fixed.graph)


def test_pictures_of_many_widths_are_padded_as_in_training(tmp_path: Path) -> None:
    padded = shared_artifact(Pretreatment={"Fit": "pad"})
    recognizer = engine.load(padded.write(tmp_path))
    rng = np.random.default_rng(6)
    contents = [png(rng.integers(0, 256, (height, width), np.uint8)) for width, height in ((20, 16), (90, 30), (48, 9))]
    pixels = np.stack([to_pixels(content, padded.config.Pretreatment, (48, 16)) for content in contents])
    assert len(np.unique(pixels[0, :, 20:])) == 1  # what the picture does not fill
    expected = ctc_greedy(np.asarray(padded.model.predict_on_batch(pixels)), padded.spec.charset)
    assert [reading.text for reading in recognizer.read(contents)] == [item.text for item in expected]


def test_swapped_files_are_refused_by_their_digest(artifact: Artifact, tmp_path: Path) -> None:
    other = make_artifact(artifact.config, seed=3)
    path = artifact.write(tmp_path)
    (tmp_path / "graph" / "small_1.0.pb").write_bytes(other.graph)
    with pytest.raises(DigestError, match=r"copy the \.pb and the YAML of one export together"):
        engine.load(path)


def test_scores_that_are_no_numbers_are_an_error_not_a_text(artifact: Artifact) -> None:
    import tensorflow as tf  # noqa: PLC0415 - the engine has imported it by then, without keras

    def damage(graph: Any) -> None:
        for node in graph.node:
            tensor = node.attr["value"].tensor
            if node.op == "Const" and tensor.dtype == tf.float32.as_datatype_enum and tensor.ByteSize() > 1000:
                tensor.CopyFrom(tf.make_tensor_proto(np.full_like(tf.make_ndarray(tensor), np.nan)))

    content = changed(artifact, damage)
    recognizer = engine.open_model(described(artifact, content), content)
    with pytest.raises(EngineError, match="scores are no numbers"):
        recognizer.read_pixels(np.zeros((1, 16, 48, 1), np.uint8))


@pytest.mark.parametrize("threads", [engine.LATENCY, engine.THROUGHPUT])
def test_texts_do_not_depend_on_the_threads(threads: engine.Threads, artifact: Artifact) -> None:
    contents = pictures(30, seed=4)
    expected = [reading.text for reading in engine.open_model(artifact.spec, artifact.graph).read(contents)]
    recognizer = engine.open_model(artifact.spec, artifact.graph, threads=threads)
    with ThreadPoolExecutor(4) as pool:
        readings = pool.map(lambda content: recognizer.read([content])[0].text, contents)
    assert list(readings) == expected


@pytest.mark.parametrize(
    ("stored", "has_bfloat16", "asked", "expected"),
    [
        ("float32", True, "auto", "float32"),
        ("bfloat16", True, "auto", "bfloat16"),
        ("bfloat16", False, "auto", "float32"),
        ("bfloat16", True, "float32", "float32"),
        ("float32", False, "bfloat16", "bfloat16"),
    ],
)
def test_the_arithmetic_goes_by_the_model_and_the_cpu(
    stored: str, has_bfloat16: bool, asked: Any, expected: str, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "cpu_has_bfloat16", lambda: has_bfloat16)
    section = artifact.spec.Graph.model_copy(update={"Precision": stored})
    assert arithmetic.chosen(artifact.spec.model_copy(update={"Graph": section}), asked) == expected


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the system does not list the CPU's features")
def test_bfloat16_is_found_where_the_system_lists_it() -> None:
    assert arithmetic.cpu_has_bfloat16() == ("avx512_bf16" in Path("/proc/cpuinfo").read_text("utf-8").split())


@pytest.mark.skipif(not arithmetic.cpu_has_bfloat16(), reason="this CPU does not multiply in bfloat16")
def test_bfloat16_computes_nearly_the_same_and_not_the_same(artifact: Artifact) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 48, 1), np.uint8)
    exact = engine.open_model(artifact.spec, artifact.graph).logits(pixels)
    recognizer = engine.open_model(artifact.spec, artifact.graph, compute="bfloat16")
    difference = np.abs(recognizer.logits(pixels) - exact).max() / np.abs(exact).max()
    assert recognizer.arithmetic == "bfloat16"
    assert 1e-5 < difference < 0.1


def test_loading_needs_no_keras_and_importing_no_tensorflow(artifact: Artifact, tmp_path: Path) -> None:
    code = (
        "import sys, engine; assert 'tensorflow' not in sys.modules\n"
        "import pathlib; r = engine.load(pathlib.Path(sys.argv[1]))\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'keras']; print(r.spec.Model.ModelName)"
    )
    path = str(artifact.write(tmp_path))
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, env=_env())
    assert (done.stdout.strip(), done.stderr) == ("small", "")


def test_a_model_is_held_to_as_many_golden_pictures_as_wanted(artifact: Artifact) -> None:
    contents = pictures(2, seed=5)
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    right = recognizer.read(contents)[0].text
    golden = [GoldenPicture(Picture=contents[0], Text=right), GoldenPicture(Picture=contents[1], Text="0" * 9)]
    recognizer.spec = artifact.spec.model_copy(update={"Golden": golden})
    prove(recognizer, 1, 1)
    with pytest.raises(GoldenError, match="picture 2 reads"):
        prove(recognizer, 1)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
def test_each_model_has_threads_of_its_own_and_takes_them_along(artifact: Artifact, tmp_path: Path) -> None:
    code = """
import gc, os, pathlib, sys, engine
def load(inside):
    recognizer = engine.load(pathlib.Path(sys.argv[1]), threads=engine.Threads(inside=inside))
    recognizer.read([pathlib.Path(sys.argv[2]).read_bytes()])
    return recognizer, len(os.listdir("/proc/self/task"))
first, _ = load(2)
first.close(); del first; gc.collect()
before = len(os.listdir("/proc/self/task"))
second, during = load(7)
second.close(); del second; gc.collect()
print(during >= before + 7, len(os.listdir("/proc/self/task")) == before)
"""
    (tmp_path / "a.png").write_bytes(pictures(1, seed=0)[0])
    words = [sys.executable, "-c", code, str(artifact.write(tmp_path)), str(tmp_path / "a.png")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=_env())
    assert done.stdout.split() == ["True", "True"]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
