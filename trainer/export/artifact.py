"""Makes the artifact of a run: graph and model YAML, which get their final names only after the proof."""

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from contract import spec as specs
from contract.files import sha256, write_atomically
from contract.measured import GoldenPicture, MetricsSection
from contract.spec import Arithmetic, ModelSpec
from engine.arithmetic import cpu_has_bfloat16
from trainer.config import AskedArithmetic, TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.dataset.records import Examples
from trainer.errors import TrainerError, UsageError
from trainer.evaluation.metrics import Score
from trainer.export.formats import drop_stale_formats, prove_formats, publish_formats
from trainer.export.gate import Gate, less_accurate
from trainer.export.graph import inference_graph, section
from trainer.export.proof import Exhibit, Proof
from trainer.export.runtimes import Format
from trainer.run import Run

STAGING = ".staging-"


@dataclass(frozen=True)
class Exported:
    """A proven artifact.

    Attributes:
        spec: its description.
        score: on the whole test set, as the artifact reads it.
        proof: how it compared with the trained network.
        note: on the choice of its precision; may be empty.
    """

    spec: ModelSpec
    score: Score
    proof: Proof
    note: str = ""

    @property
    def finding(self) -> str:
        """What the proof found, as a person reads it."""
        pictures = f"{self.proof.pictures:,} test pictures"
        if self.proof.differing:
            found = (
                f"the exported graph reads {self.proof.differing:,} of {pictures} otherwise than the trained network"
            )
        else:
            found = f"the exported graph reads all {pictures} as the trained network does"
            if self.proof.ties:
                found += f", but for {len(self.proof.ties):,} with two equally likely readings"
        return (
            f"Proven: {found}; largest difference of a score {self.proof.largest_difference:.1e}. {self.note}".rstrip()
        )


@dataclass(frozen=True)
class _Proven:
    """A graph that came through the gate; `texts` are what all of its arithmetics read, None where they differ."""

    graph: bytes
    exported: Exported
    texts: list[str | None]


def export(
    model: keras.Model, config: TrainConfig, packed: PackedSet, run: Run, formats: Sequence[Format] = ()
) -> Exported:
    """Export a trained network into the run folder.

    Args:
        model: in float32, with the weights to export.
        config: of the training.
        packed: the set; its test side is read by the network and by what is exported.
        run: where the artifact goes.
        formats: others that the model is wanted in, always in float32.

    Raises:
        TrainerError: the artifact does not read what the network reads; nothing got a final name, and the first
            differing pictures are in `run.rejected`.
    """
    run.make()
    for left in run.folder.glob(f"{STAGING}*"):  # by an export that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=run.folder) as staging:
        gate = Gate(model, config, packed, run, Path(staging))
        candidates = _Candidates(model, config, gate, packed.fingerprint, run.graph.name)
        proven = exact = candidates.in_float32()
        if config.Export.Precision != "float32":
            proven = _choice(config.Export.Precision, proven, candidates.in_bfloat16())
        prove_formats(model, exact.graph, config.charset, gate, formats)
        golden = golden_pictures(gate.test, proven.texts, config.Export.Golden)
        publish_formats(gate.folder, run, formats)
    spec = proven.exported.spec.model_copy(update={"Golden": golden})
    write_atomically(run.graph, proven.graph)
    specs.write(spec, run.spec)
    note = f"{proven.exported.note} {drop_stale_formats(run, sha256(exact.graph), formats)}".strip()
    return dataclasses.replace(proven.exported, spec=spec, note=note)


def golden_pictures(test: Examples, texts: Sequence[str | None], most: int = specs.MAX_GOLDEN) -> list[GoldenPicture]:
    """Choose pictures that were read right: as many as the model YAML may hold, in the order of the records.

    Args:
        test: the test set.
        texts: read from it; None for a picture that is not to be chosen.
        most: not more than so many.
    """
    chosen: list[GoldenPicture] = []
    size = 0
    for content, label, text in zip(test.encoded, test.labels, texts, strict=True):
        if text == label and size + len(content) <= specs.MAX_GOLDEN_BYTES and len(chosen) < most:
            chosen.append(GoldenPicture(Picture=content, Text=text))
            size += len(content)
    return chosen


class _Candidates:
    """What may become the artifact, each held against the gate."""

    def __init__(self, model: keras.Model, config: TrainConfig, gate: Gate, fingerprint: str, file: str) -> None:
        self._model = model
        self._config = config
        self._gate = gate
        self._fingerprint = fingerprint
        self._file = file

    def in_float32(self) -> _Proven:
        """Return the graph that reads every text as the trained network does, but for ties."""
        graph = inference_graph(self._model)
        exhibit = self._staged(graph, "float32")
        proof = self._gate.prove_equal(exhibit)
        result = self._gate.score_of(proof)
        certain = [None if index in proof.ties else text for index, text in enumerate(proof.texts)]
        return _Proven(graph, Exported(self._describe(graph, "float32", result), result, proof), certain)

    def in_bfloat16(self) -> _Proven | str:
        """Return the graph whose weights are stored in bfloat16, or why it cannot be published."""
        if not cpu_has_bfloat16():
            return "this CPU does not multiply in bfloat16, so the graph cannot be proven in it"
        graph = inference_graph(self._model, "bfloat16")
        exhibit = self._staged(graph, "bfloat16")
        # As it will be computed: in bfloat16 on CPUs like this one, in float32 on the others.
        wide, narrow = (
            self._gate.prove(dataclasses.replace(exhibit, compute=compute)) for compute in ("float32", "bfloat16")
        )
        scores = [self._gate.score_of(proof) for proof in (wide, narrow)]
        reason = less_accurate(self._gate.score, scores)
        if reason:
            return f"in bfloat16 {reason}"
        spec = self._describe(graph, "bfloat16", scores[1])
        note = (
            f"Stored in bfloat16: {scores[1].accuracy:.2%} right, and {scores[0].accuracy:.2%} computed in float32, "
            f"where the trained network has {self._gate.score.accuracy:.2%}."
        )
        texts = [text if text == other else None for text, other in zip(wide.texts, narrow.texts, strict=True)]
        return _Proven(graph, Exported(spec, scores[1], narrow, note), texts)

    def _staged(self, graph: bytes, precision: Arithmetic) -> Exhibit:
        spec, file = (self._gate.folder / f"{precision}{suffix}" for suffix in (".yaml", ".pb"))
        spec.write_bytes(specs.dump(self._describe(graph, precision, self._gate.score)))
        file.write_bytes(graph)
        return Exhibit("the exported graph", str(spec), str(file))

    def _describe(self, graph: bytes, precision: Arithmetic, result: Score) -> ModelSpec:
        return ModelSpec(
            Model=self._config.Model,
            Pretreatment=self._config.Pretreatment,
            Graph=section(graph, self._file, self._config.NeuralNet, precision),
            Metrics=MetricsSection(
                Accuracy=round(result.accuracy, 6),
                AccuracyInterval=[round(bound, 6) for bound in result.interval],
                CharacterErrorRate=round(result.character_error_rate, 6),
                Pictures=result.pictures,
                Dataset=self._fingerprint,
            ),
        )


def refuse_unprovable(config: TrainConfig) -> None:
    """Say before a training what its export would fail for.

    Raises:
        UsageError: it asks for an arithmetic that this CPU does not have.
    """
    if config.Export.Precision == "bfloat16" and not cpu_has_bfloat16():
        raise UsageError(
            "Export.Precision asks for bfloat16, but this CPU does not multiply in bfloat16, so the graph could not be "
            "proven: leave Precision out, or train where the CPU does"
        )


def _choice(asked: AskedArithmetic, exact: _Proven, other: _Proven | str) -> _Proven:
    if isinstance(other, _Proven):
        return other
    if asked == "bfloat16":
        raise TrainerError(f"Export.Precision asks for bfloat16, but {other}; nothing was published")
    note = f"Stored in float32: {other}."
    return dataclasses.replace(exact, exported=dataclasses.replace(exact.exported, note=note))
