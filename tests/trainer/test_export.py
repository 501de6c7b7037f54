"""The export's gate: what it lets through, and planted faults that it must not."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from contract import decode
from contract import spec as specs
from contract.decode import fixed_best
from contract.errors import ConfigError
from contract.files import sha256
from contract.image import to_pixels
from engine.arithmetic import cpu_has_bfloat16
from tests.conftest import Artifact, small_config
from tests.trainer.test_network import NETWORKS, network
from trainer.dataset import records
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Record
from trainer.errors import TrainerError
from trainer.evaluation.metrics import Score
from trainer.export import artifact as artifacts
from trainer.export import proof
from trainer.export.gate import less_accurate
from trainer.export.publish import publish
from trainer.run import Run, run_of

COUNT = 12


def packed_set(folder: Path, artifact: Artifact) -> PackedSet:
    """Noise pictures of another size than the network's, so that resizing is part of the proof."""
    rng = np.random.default_rng(5)
    written = []
    for index in range(COUNT):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (25, 60), np.uint8)).save(buffer, "PNG")
        pixels = to_pixels(buffer.getvalue(), artifact.config.Pretreatment, artifact.config.input_size)
        written.append(Record(pixels.tobytes(), "12", f"{index}.png", "", buffer.getvalue()))
    records.write(folder / "test.tfrecords", written)
    return PackedSet({"test": folder / "test.tfrecords"}, "0" * 64, (16, 48, 1), {"test": COUNT}, 0)


@pytest.fixture
def packed(tmp_path: Path, artifact: Artifact) -> PackedSet:
    return packed_set(tmp_path, artifact)


def texts_and_logits(artifact: Artifact, packed: PackedSet) -> tuple[list[str], Any]:
    logits = np.asarray(artifact.model.predict_on_batch(packed.load("test").pixels))
    head = artifact.config.NeuralNet.head
    return [item.text for item in decode.read(logits, artifact.spec.charset, head)], logits


def proven(path: Path, artifact: Artifact, packed: PackedSet) -> proof.Proof:
    texts, logits = texts_and_logits(artifact, packed)
    graph = path.parent.parent / "graph" / "small_1.0.pb"
    exhibit = proof.Exhibit("the graph", str(path), str(graph))
    return proof.compare(exhibit, proof.Expectation(str(packed.files["test"]), packed.shape, texts), logits)


def other_weight(artifact: Artifact) -> Artifact:
    import tensorflow as tf  # noqa: PLC0415 - tests without a network must not wait for it

    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    constants = [node for node in definition.node if node.op == "Const"]
    largest = max(constants, key=lambda node: node.attr["value"].tensor.ByteSize())
    values = tf.make_ndarray(largest.attr["value"].tensor).copy()
    values.flat[values.size // 2] += 30
    largest.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
    return with_graph(artifact, definition.SerializeToString())


def with_graph(artifact: Artifact, graph: bytes) -> Artifact:
    section = artifact.spec.Graph.model_copy(update={"SHA256": sha256(graph)})
    spec = artifact.spec.model_copy(update={"Graph": section})
    return Artifact(artifact.config, artifact.model, graph, spec)


def with_keys(artifact: Artifact, section: str, **keys: Any) -> Artifact:
    changed = getattr(artifact.spec, section).model_copy(update=keys)
    spec = artifact.spec.model_copy(update={section: changed})
    return Artifact(artifact.config, artifact.model, artifact.graph, spec)


def run_in(folder: Path, artifact: Artifact) -> Run:
    return run_of(artifact.config.Model, folder / "out")


def test_export_names_the_files_only_after_the_proof(artifact: Artifact, packed: PackedSet, tmp_path: Path) -> None:
    run = run_in(tmp_path, artifact)
    exported = artifacts.export(artifact.model, artifact.config, packed, run)
    spec = specs.read(run.spec)
    assert spec == exported.spec
    assert sha256(run.graph.read_bytes()) == spec.Graph.SHA256
    assert exported.proof.pictures == spec.Metrics.Pictures == COUNT if spec.Metrics else False
    assert sorted(path.name for path in run.folder.rglob("*")) == [
        "graph",
        "model",
        "run",
        "small_1.0.pb",
        "small_1.0.yaml",
    ]


def test_a_refused_export_leaves_the_earlier_one_and_shows_the_pictures(
    artifact: Artifact, packed: PackedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in(tmp_path, artifact)
    run.make()
    run.graph.write_bytes(b"earlier")
    (run.folder / ".staging-killed").mkdir()
    monkeypatch.setattr(artifacts, "inference_graph", lambda _: other_weight(artifact).graph)
    with pytest.raises(TrainerError, match=rf"differs .* of {COUNT} pictures .*nothing was published"):
        artifacts.export(artifact.model, artifact.config, packed, run)
    assert run.graph.read_bytes() == b"earlier"
    assert not run.spec.exists()
    assert (run.rejected / "differences.json").exists()
    assert list(run.rejected.glob("*.png"))
    assert not list(run.folder.glob(".staging*"))


def without_a_kernel(artifact: Artifact) -> bytes:
    """Return the graph with an operation on the way to its scores that this machine has no kernel for."""
    import tensorflow as tf  # noqa: PLC0415 - as above

    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    for node in definition.node:
        node.name = "plain" if node.name == "logits" else node.name
        node.input[:] = ["plain" if name == "logits" else name for name in node.input]
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
        pixels = tf.reshape(graph.get_tensor_by_name("input:0"), [-1, 16 * 48])
        product = tf.raw_ops.MatMul(a=pixels, b=tf.zeros([16 * 48, 1], tf.uint8))  # of bytes: no CPU kernel
        nothing = tf.reshape(tf.cast(product, tf.float32), [-1, 1, 1])
        tf.identity(graph.get_tensor_by_name("plain:0") + nothing, name="logits")
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


def test_an_operation_without_a_kernel_publishes_nothing(
    artifact: Artifact, packed: PackedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in(tmp_path, artifact)
    monkeypatch.setattr(artifacts, "inference_graph", lambda _: without_a_kernel(artifact))
    with pytest.raises(TrainerError, match="No OpKernel was registered"):
        artifacts.export(artifact.model, artifact.config, packed, run)
    assert not run.graph.exists()
    assert not run.spec.exists()


def test_a_fixed_head_is_exported_and_proven(tmp_path: Path) -> None:
    fixed = network(NETWORKS[-1])
    packed, run = packed_set(tmp_path, fixed), run_in(tmp_path, fixed)
    exported = artifacts.export(fixed.model, fixed.config, packed, run, ["onnx"])
    spec = specs.read(run.spec)
    assert (spec.Graph.Head, spec.Graph.MaxLabelNum, exported.proof.differing) == ("fixed", 4, 0)
    expected = fixed_best(np.asarray(fixed.model.predict_on_batch(packed.load("test").pixels)), spec.charset)
    readings = engine.load(run.spec).read(packed.load("test").encoded)
    assert [reading.text for reading in readings] == exported.proof.texts == [item.text for item in expected]
    confidences = [item.confidence for item in expected]
    assert [reading.confidence for reading in readings] == pytest.approx(confidences, rel=1e-3)


def in_precision(artifact: Artifact, precision: str, golden: int = 8) -> Artifact:
    config = small_config(Export={"Precision": precision, "Golden": golden})
    return Artifact(config, artifact.model, artifact.graph, artifact.spec)


def labelled_as_read(folder: Path, artifact: Artifact) -> PackedSet:
    """The packed set with what the network reads as its labels, so that its accuracy is 1."""
    packed = packed_set(folder, artifact)
    test = packed.load("test")
    texts, _ = texts_and_logits(artifact, packed)
    parts = zip(test.pixels, texts, test.names, test.encoded, strict=True)
    records.write(
        folder / "test.tfrecords",
        [Record(pixels.tobytes(), text, name, "", file) for pixels, text, name, file in parts],
    )
    return packed


needs_bfloat16 = pytest.mark.skipif(not cpu_has_bfloat16(), reason="this CPU does not multiply in bfloat16")


@needs_bfloat16
@pytest.mark.parametrize("precision", ["bfloat16", pytest.param("auto", marks=pytest.mark.slow)])
def test_bfloat16_is_published_if_it_is_as_accurate(
    precision: str, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = labelled_as_read(tmp_path, artifact)
    monkeypatch.setattr(artifacts, "less_accurate", lambda *_: "")  # noise is read too differently for so few pictures
    run = run_in(tmp_path, artifact)
    exported = artifacts.export(artifact.model, in_precision(artifact, precision, 3).config, packed, run)
    spec = specs.read(run.spec)
    assert (spec.Graph.Precision, len(run.graph.read_bytes()) < 0.55 * len(artifact.graph)) == ("bfloat16", True)
    assert exported.note.startswith("Stored in bfloat16: ")
    assert len(spec.Golden) <= 3
    recognizer = engine.load(run.spec)
    assert recognizer.arithmetic == "bfloat16"
    golden = recognizer.read([item.Picture for item in spec.Golden])
    assert [reading.text for reading in golden] == [item.Text for item in spec.Golden]


@pytest.mark.parametrize(
    ("has_bfloat16", "reason"), [(False, "does not multiply in bfloat16"), (True, "it reads 1.00%")]
)
def test_bfloat16_that_cannot_be_proven_is_not_published(
    has_bfloat16: bool, reason: str, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if has_bfloat16 and not cpu_has_bfloat16():
        pytest.skip("this CPU does not multiply in bfloat16")
    monkeypatch.setattr(artifacts, "cpu_has_bfloat16", lambda: has_bfloat16)
    monkeypatch.setattr(artifacts, "less_accurate", lambda *_: "it reads 1.00%")
    packed, run = packed_set(tmp_path, artifact), run_in(tmp_path, artifact)
    with pytest.raises(TrainerError, match=f"asks for bfloat16, but .*{reason}.*nothing was published"):
        artifacts.export(artifact.model, in_precision(artifact, "bfloat16").config, packed, run)
    assert not run.spec.exists()
    exported = artifacts.export(artifact.model, in_precision(artifact, "auto").config, packed, run)
    assert exported.spec.Graph.Precision == "float32"
    assert exported.note.startswith("Stored in float32: ")
    assert reason in exported.note


@pytest.mark.parametrize(
    ("correct", "is_worse"), [([990, 985], False), ([1000, 1000], False), ([990, 980], True), ([0, 990], True)]
)
def test_less_accurate_means_below_the_interval(correct: list[int], is_worse: bool) -> None:
    reference = Score(990, 1000, 10, 4000)  # 95 % interval 98.2 to 99.5 %
    assert bool(less_accurate(reference, [Score(right, 1000, 10, 4000) for right in correct])) == is_worse


def test_golden_pictures_were_read_right_and_stay_small(packed: PackedSet) -> None:
    test = packed.load("test")
    texts = ["12" if index % 2 else "9" for index in range(COUNT)]
    golden = artifacts.golden_pictures(test, texts)
    assert [item.Picture for item in golden] == test.encoded[1::2][: specs.MAX_GOLDEN]
    assert {item.Text for item in golden} == {"12"}


def test_publish_copies_both_files_under_the_asked_version(artifact: Artifact, tmp_path: Path) -> None:
    path = artifact.write(tmp_path / "out")
    published = publish(path, tmp_path / "platform", "1.10")
    spec = specs.read(published.spec)
    assert (spec.Model.Version, spec.Graph.File, published.graph.name) == ("1.10", "small_1.10.pb", "small_1.10.pb")
    assert published.graph.read_bytes() == artifact.graph
    assert not published.replaced
    assert publish(path, tmp_path / "platform", "1.10") == published


def test_publish_refuses_what_does_not_belong_together(artifact: Artifact, tmp_path: Path) -> None:
    path = artifact.write(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"Model\.Version"):
        publish(path, tmp_path / "platform", "newest")
    (tmp_path / "out" / "graph" / "small_1.0.pb").write_bytes(b"other")
    with pytest.raises(TrainerError, match="is not the graph that"):
        publish(path, tmp_path / "platform")
    assert not (tmp_path / "platform").exists()
