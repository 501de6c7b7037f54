"""Makes the artifact of a run: graph and model YAML, which get their final names only after the proof."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from contract import spec as specs
from contract.decode import ctc_greedy
from contract.files import sha256, write_atomically
from contract.spec import GoldenPicture, GraphSection, MetricsSection, ModelSpec
from trainer.config import TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples
from trainer.errors import TrainerError
from trainer.evaluation.metrics import Score, score
from trainer.export.graph import inference_graph
from trainer.export.proof import Expectation, Proof, prove
from trainer.run import Run


@dataclass(frozen=True)
class Exported:
    """A proven artifact.

    Attributes:
        spec: its description.
        score: on the whole test set.
        proof: how it compared with the trained network.
    """

    spec: ModelSpec
    score: Score
    proof: Proof


def export(model: keras.Model, config: TrainConfig, packed: PackedSet, run: Run) -> Exported:
    """Export a trained network into the run folder.

    Args:
        model: in float32, with the weights to export.
        config: of the training.
        packed: the set; its test side is read twice.
        run: where the artifact goes.

    Raises:
        TrainerError: the artifact does not read what the network reads; nothing got a final name, and the first
            differing pictures are in `run.rejected`.
    """
    test = packed.load("test")
    logits = np.concatenate([np.asarray(model.predict_on_batch(part)) for part in _parts(test, config)])
    texts = [item.text for item in ctc_greedy(logits, config.charset)]
    result = score(test.labels, texts)
    graph = inference_graph(model)
    spec = _describe(config, graph, run.graph.name, result, packed.fingerprint).model_copy(
        update={"Golden": golden_pictures(test, texts)}
    )
    run.make()
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=run.folder) as staging:
        staged = Path(staging) / run.spec.name
        (Path(staging) / run.graph.name).write_bytes(graph)
        staged.write_bytes(specs.dump(spec))
        proof = prove(staged, Expectation(str(packed.files["test"].resolve()), packed.shape, texts), logits)
    if proof.differing:
        raise _refused(proof, test, run)
    write_atomically(run.graph, graph)
    specs.write(spec, run.spec)
    return Exported(spec, result, proof)


def golden_pictures(test: Examples, texts: Sequence[str]) -> list[GoldenPicture]:
    """Choose pictures that were read right: as many as the model YAML may hold, in the order of the records."""
    chosen: list[GoldenPicture] = []
    size = 0
    for content, label, text in zip(test.encoded, test.labels, texts, strict=True):
        if text == label and size + len(content) <= specs.MAX_GOLDEN_BYTES and len(chosen) < specs.MAX_GOLDEN:
            chosen.append(GoldenPicture(Picture=content, Text=text))
            size += len(content)
    return chosen


def _describe(config: TrainConfig, graph: bytes, file: str, result: Score, fingerprint: str) -> ModelSpec:
    return ModelSpec(
        Model=config.Model,
        Pretreatment=config.Pretreatment,
        Graph=GraphSection(File=file, SHA256=sha256(graph)),
        Metrics=MetricsSection(
            Accuracy=round(result.accuracy, 6),
            AccuracyInterval=[round(bound, 6) for bound in result.interval],
            CharacterErrorRate=round(result.character_error_rate, 6),
            Pictures=result.pictures,
            Dataset=fingerprint,
        ),
    )


def _parts(test: Examples, config: TrainConfig) -> list[np.ndarray]:
    size = config.Trains.TestBatchSize
    return [test.pixels[start : start + size] for start in range(0, len(test), size)]


def _refused(proof: Proof, test: Examples, run: Run) -> TrainerError:
    """Keep the differing pictures to look at, and say what happened."""
    run.rejected.mkdir(parents=True, exist_ok=True)
    for difference in proof.differences:
        name = Path(difference.name).name
        write_atomically(run.rejected / f"{difference.index:06d}_{name}", test.encoded[difference.index])
    report = json.dumps([asdict(item) for item in proof.differences], indent=2, ensure_ascii=False)
    write_atomically(run.rejected / "differences.json", report.encode())
    first = proof.differences[0]
    return TrainerError(
        f"the exported graph differs from the trained network on {proof.differing:,} of {proof.pictures:,} pictures "
        f"(first: {first.name}: {first.fault}); nothing was published, the pictures are in {run.rejected}"
    )
