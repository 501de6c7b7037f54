"""The export's proof finds what is planted, and takes nothing for a fault that is none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract import decode
from tests.conftest import Artifact
from tests.trainer.test_export import COUNT, other_weight, packed_set, proven, texts_and_logits, with_graph, with_keys
from tests.trainer.test_network import NETWORKS, network
from trainer.dataset.pack import PackedSet
from trainer.export import proof


@pytest.fixture
def packed(tmp_path: Path, artifact: Artifact) -> PackedSet:
    return packed_set(tmp_path, artifact)


def wrong_blank(artifact: Artifact) -> Artifact:
    import tensorflow as tf  # noqa: PLC0415 - as in test_export

    definition = tf.compat.v1.GraphDef.FromString(artifact.graph)
    decoder = next(node for node in definition.node if node.op == "CTCGreedyDecoder")
    decoder.attr["blank_index"].i = most_read_class(artifact)
    return with_graph(artifact, definition.SerializeToString())


def two_swapped(artifact: Artifact) -> Artifact:
    symbols = list("0123456789")
    place = most_read_class(artifact) - 1
    symbols[place], symbols[place - 1] = symbols[place - 1], symbols[place]
    return with_keys(artifact, "Model", CharSet="".join(symbols))


def most_read_class(artifact: Artifact) -> int:
    noise = np.random.default_rng(0).integers(0, 256, (64, 16, 48, 1), np.uint8)
    read = np.asarray(artifact.model.predict_on_batch(noise)).argmax(-1)
    return int(np.bincount(read[read > 0]).argmax())


def batch_statistics(artifact: Artifact) -> Artifact:
    """A graph whose batch norm was folded with other statistics than the moving ones."""
    from trainer.export.graph import inference_graph  # noqa: PLC0415 - it imports keras

    norm = next(layer for layer in artifact.model.layers if "batch_norm" in layer.name)
    saved = np.asarray(norm.moving_mean)
    norm.moving_mean.assign(saved + 0.5)
    try:
        return with_graph(artifact, inference_graph(artifact.model))
    finally:
        norm.moving_mean.assign(saved)


FAULTS: dict[str, Callable[[Artifact], Artifact]] = {
    "one weight changed": other_weight,
    "two symbols swapped": two_swapped,
    "another fit": lambda it: with_keys(it, "Pretreatment", Fit="pad"),
    "another filter": lambda it: with_keys(it, "Pretreatment", Smoothing=3),
    "a wrong blank": wrong_blank,
    "other batch statistics": batch_statistics,
}


def test_a_true_export_is_proven(artifact: Artifact, packed: PackedSet, tmp_path: Path) -> None:
    result = proven(artifact.write(tmp_path), artifact, packed)
    assert (result.pictures, result.differing) == (COUNT, 0)
    assert result.largest_difference < 1e-3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, artifact: Artifact, packed: PackedSet, tmp_path: Path) -> None:
    result = proven(FAULTS[fault](artifact).write(tmp_path), artifact, packed)
    assert result.differing > 0
    assert result.differences[0].fault


@pytest.mark.parametrize(
    "fault", [FAULTS["two symbols swapped"], lambda it: with_keys(it, "Graph", Head="ctc", MaxLabelNum=None)]
)
def test_a_planted_fault_of_a_fixed_head_is_found(fault: Callable[[Artifact], Artifact], tmp_path: Path) -> None:
    fixed = network(NETWORKS[-2])
    packed = packed_set(tmp_path, fixed)
    assert proven(fixed.write(tmp_path / "true"), fixed, packed).differing == 0
    result = proven(fault(fixed).write(tmp_path / "false"), fixed, packed)
    assert result.differing > 0
    assert result.differences[0].fault


def test_texts_that_depend_on_the_other_pictures_of_a_batch_are_found(
    artifact: Artifact, packed: PackedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, logits = texts_and_logits(artifact, packed)

    class Moody:
        def read(self, pixels: Any) -> tuple[Any, None]:
            return (logits if len(pixels) == len(logits) else np.roll(logits[:1], 1, axis=-1)), None

    monkeypatch.setattr(proof, "_open", lambda *_: Moody())
    result = proven(artifact.write(tmp_path), artifact, packed)
    assert [item.index for item in result.differences] == [0]  # one in sixteen is read alone
    assert result.differences[0].fault.startswith("read alone it gives")


@pytest.mark.parametrize(("change", "ties"), [(1e-4, [0]), (0.1, [])])
def test_a_text_may_differ_only_where_rounding_decides_it(
    change: float,
    ties: list[int],
    artifact: Artifact,
    packed: PackedSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, logits = texts_and_logits(artifact, packed)
    expected = logits.copy()
    expected[0, 0] = -9.0
    expected[0, 0, [1, 2]] = (change / 2, 0.0)
    read = expected.copy()
    read[0, 0, [1, 2]] = (0.0, change / 2)

    class Rounded:
        def read(self, pixels: Any) -> tuple[Any, None]:
            return read[: len(pixels)] if len(pixels) == 1 else read, None

    monkeypatch.setattr(proof, "_open", lambda *_: Rounded())
    monkeypatch.setattr(proof, "SINGLE_EVERY", COUNT)
    texts = [item.text for item in decode.read(expected, artifact.spec.charset, "ctc")]
    path = artifact.write(tmp_path)
    exhibit = proof.Exhibit("the graph", str(path), "")
    expectation = proof.Expectation(str(packed.files["test"]), packed.shape, texts)
    result = proof.compare(exhibit, expectation, expected)
    assert result.texts[0] != texts[0]
    assert (result.ties, result.differing) == (ties, 1 - len(ties))
    other = two_swapped(artifact)
    swapped = proof.Exhibit("the graph", str(other.write(tmp_path / "swapped")), "")
    assert proof.compare(swapped, expectation, expected).differing > 0
