"""The exported model judged: read on the whole test set as the platform reads, and reported."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import engine
from contract import spec as specs
from contract.files import write_atomically
from contract.measured import AcceptLine
from trainer.config import TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.errors import TrainerError
from trainer.evaluation import history, report
from trainer.evaluation.accept import accept_table
from trainer.evaluation.report import Item, Report
from trainer.network.reading import at_once
from trainer.progress import Progress
from trainer.run import Run
from trainer.training import lineage
from trainer.training.lineage import Doubt


def read_test_set(config: TrainConfig, packed: PackedSet, run: Run, progress: Progress) -> list[Item]:
    """Read every test picture with the exported model, from the bytes of its file on.

    Raises:
        TrainerError: the model has not been exported.
        EngineError: it cannot be loaded.
    """
    if not run.spec.exists():
        raise TrainerError(f"{run.spec} is missing: train the model first")
    test = packed.load("test")
    recognizer = engine.load(run.spec)
    size = at_once(config.Trains.TestBatchSize, config.input_size)
    items = []
    with progress.steps("evaluate", len(test)) as steps:
        for start in range(0, len(test), size):
            part = slice(start, start + size)
            readings = recognizer.read(test.encoded[part])
            rows = zip(test.names[part], test.labels[part], readings, test.encoded[part], strict=True)
            items += [Item(name, label, one.text, one.confidence, content) for name, label, one, content in rows]
            steps.advance(len(readings))
    recognizer.close()
    return items


def outdated(run: Run) -> bool:
    """Return whether the exported model is older than the training in its folder.

    So it is after `--fresh` or while a training goes on, until the next export. The training is as old as its newest
    reading, or, before the first one, its beginning. The graph is asked too: reports and benchmarks write the model
    YAML again.
    """
    trained = run.history if run.history.exists() else run.config
    if not trained.exists():
        return False
    exported = [path.stat().st_mtime_ns for path in (run.spec, run.graph) if path.exists()]
    return bool(exported) and min(exported) < trained.stat().st_mtime_ns


def doubt(run: Run, packed: PackedSet) -> Doubt:
    """Return what keeps the score of the exported model on a test set from being one of new pictures."""
    if not outdated(run):
        return lineage.doubt(lineage.recall(run.best.parent, packed), packed)
    metrics = specs.read(run.spec).Metrics
    if metrics and metrics.Dataset == packed.fingerprint:  # it was held against this very test set when exported
        return Doubt((), packed.counts["test"])
    return lineage.doubt(None, packed, f"the model is of an earlier training than the one in {run.folder}")


def write_report(run: Run, items: Sequence[Item], suspects: Sequence[Item] = (), found: Doubt | None = None) -> None:
    """Write report.html, and the table of thresholds into the model YAML.

    Args:
        run: whose exported model read the items.
        items: the whole test set.
        suspects: what `suspects` found.
        found: what keeps the score from being one of new pictures. If the model has learned from some, the model YAML
            is left as it is.
    """
    accept = accept_table([item.confidence for item in items], [item.text == item.label for item in items])
    if not found or not found.learned:
        _note_in_spec(run.spec, accept)
    page = Report(
        title=f"{run.folder.name}, version {run.stem.rpartition('_')[2]}",
        items=items,
        accept=accept,
        history=history.from_csv(run.history.read_text("utf-8")) if run.history.exists() else (),
        facts=[*([("exported model", "older than this training")] if outdated(run) else []), *_facts(run.identity)],
        suspects=suspects,
        warning=str(found) if found else "",
    )
    write_atomically(run.report, report.render(page).encode())


def _note_in_spec(path: Path, accept: list[AcceptLine]) -> None:
    spec = specs.read(path)
    if spec.Metrics is None or spec.Metrics.Accept == accept:
        return
    metrics = spec.Metrics.model_copy(update={"Accept": accept})
    specs.write(spec.model_copy(update={"Metrics": metrics}), path)


def _facts(identity: Path) -> list[tuple[str, str]]:
    """Return what run.json says, flattened for a person."""
    if not identity.exists():
        return []
    tree = json.loads(identity.read_text("utf-8"))
    made_of, notes = tree["made_of"], tree["notes"]
    versions = ", ".join(f"{name} {version}" for name, version in notes["versions"].items())
    return [
        ("network", _listed(_used(made_of["NeuralNet"]))),
        ("training", _listed(made_of["Trains"])),
        ("pretreatment", _listed(made_of["Pretreatment"])),
        ("set of pictures", made_of["pictures"]),
        ("seed", str(made_of["seed"])),
        ("device", f"{notes['device']}, {made_of['precision']}"),
        ("versions", f"python {notes['python']}, {versions}"),
    ]


def _used(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network without the plans of those that it might have been."""
    return {key: value for key, value in network.items() if not isinstance(value, dict) or key == network["CNNNetwork"]}


def _listed(section: Mapping[str, Any]) -> str:
    """Return settings as a person reads them, those of sections in brackets."""
    shown = {key: value for key, value in section.items() if value not in (None, [])}
    return ", ".join(f"{key} {_shown(value)}" for key, value in shown.items())


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return f"({_listed(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)
