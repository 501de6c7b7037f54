"""The other formats compute what Keras computes, each in its own runtime, and go through the same gate."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract import decode
from tests.conftest import Artifact, make_artifact
from tests.trainer.test_export import packed_set, run_in
from tests.trainer.test_network import COLOUR, NETWORKS, network
from trainer.cli.root import main
from trainer.errors import TrainerError
from trainer.export import artifact as artifacts
from trainer.export.runtimes import Onnx, Runtime, SavedModel, TfLite


def noise(count: int, channels: int = 1, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, 16, 48, channels), np.uint8)


def assert_computes_what_keras_computes(runtime: Runtime, artifact: Artifact) -> None:
    channels = artifact.config.Pretreatment.ImageChannel
    for count in (1, 5):
        pixels = noise(count, channels)
        expected = np.asarray(artifact.model.predict_on_batch(pixels))
        found, own = runtime.read(pixels)
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
        texts = [item.text for item in decode.read(expected, artifact.spec.charset, artifact.spec.Graph.Head)]
        assert own in (None, texts)


def in_onnx(artifact: Artifact, path: Path) -> Runtime:
    from trainer.export.onnx_graph import onnx_model  # noqa: PLC0415 - it imports keras

    path.write_bytes(onnx_model(artifact.model))
    return Onnx(path)


@pytest.mark.parametrize(("net", "channels"), [*((net, 1) for net in NETWORKS), *((net, 3) for net in COLOUR)])
def test_onnx(net: dict[str, Any], channels: int, tmp_path: Path) -> None:
    artifact = network(net, channels)
    assert_computes_what_keras_computes(in_onnx(artifact, tmp_path / "small.onnx"), artifact)


@pytest.mark.parametrize("net", [NETWORKS[0], *(pytest.param(net, marks=pytest.mark.slow) for net in NETWORKS[1:])])
def test_tflite(net: dict[str, Any], tmp_path: Path) -> None:
    from trainer.export.formats import tflite_model  # noqa: PLC0415 - it imports keras

    artifact = network(net)
    path = tmp_path / "small.tflite"
    path.write_bytes(tflite_model(artifact.model))
    assert_computes_what_keras_computes(TfLite(path), artifact)


@pytest.mark.parametrize("net", [NETWORKS[0], NETWORKS[-1]])
def test_saved_model(net: dict[str, Any], tmp_path: Path) -> None:
    from trainer.export.formats import write_saved_model  # noqa: PLC0415 - it imports keras

    artifact = network(net)
    write_saved_model(artifact.graph, artifact.spec.charset, tmp_path / "1")
    runtime = SavedModel(tmp_path / "1")
    assert_computes_what_keras_computes(runtime, artifact)
    assert runtime.read(noise(2))[1]


def test_a_format_that_reads_otherwise_publishes_nothing(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.export import formats, onnx_graph  # noqa: PLC0415 - they import keras

    other = make_artifact(artifact.config, seed=1).model
    monkeypatch.setattr(formats, "onnx_model", lambda _: onnx_graph.onnx_model(other))
    packed, run = packed_set(tmp_path, artifact), run_in(tmp_path, artifact)
    with pytest.raises(TrainerError, match=r"the onnx form of the network differs .*nothing was published"):
        artifacts.export(artifact.model, artifact.config, packed, run, ["onnx"])
    assert not list(run.folder.rglob("*.onnx"))
    assert not run.spec.exists()


def test_forms_of_an_earlier_network_go(tmp_path: Path, artifact: Artifact) -> None:
    from trainer.export.formats import drop_stale_formats  # noqa: PLC0415 - it imports keras

    run = run_in(tmp_path, artifact)
    run.make()
    (run.in_format("savedmodel") / "variables").mkdir(parents=True)
    run.in_format("onnx").touch()
    assert drop_stale_formats(run, "a", ["onnx", "savedmodel"]) == ""
    assert drop_stale_formats(run, "a", []) == ""  # the same network, exported once more
    assert drop_stale_formats(run, "b", ["onnx"]).startswith("Removed, for they were of an earlier network: savedmodel")
    assert run.in_format("onnx").exists()
    assert "onnx" in drop_stale_formats(run, "c", [])
    assert not list((run.folder / "formats").iterdir())


@pytest.mark.slow
def test_all_formats_are_proven_and_get_their_names(artifact: Artifact, tmp_path: Path) -> None:
    packed, run = packed_set(tmp_path, artifact), run_in(tmp_path, artifact)
    for _ in range(2):  # the second export takes the place of the first
        artifacts.export(artifact.model, artifact.config, packed, run, ["onnx", "savedmodel", "tflite"])
    names = sorted(path.name for path in (run.folder / "formats").iterdir())
    assert names == ["small_1.0.onnx", "small_1.0.savedmodel", "small_1.0.tflite"]
    assert_computes_what_keras_computes(Onnx(run.in_format("onnx")), artifact)


def test_a_missing_package_is_named_with_what_installs_it(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(TrainerError, match=rf"{name} is not installed: pip install 'captcha-foundry\[onnx\]'"):
            in_onnx(artifact, tmp_path / "small.onnx")
        monkeypatch.undo()


def test_an_unknown_format_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", "model.yaml", "--format", "onnx,coreml"])
    assert ended.value.code == 2
    assert "coreml: the formats are onnx, savedmodel, tflite" in capsys.readouterr().err
