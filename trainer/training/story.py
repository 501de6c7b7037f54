"""A whole training, from config to proven artifact; and an artifact made again from a run's best weights."""

import importlib.metadata
import sys
from typing import Any

from trainer.config import TrainConfig
from trainer.dataset import pack
from trainer.dataset.pack import PackedSet
from trainer.errors import TrainerError
from trainer.export.artifact import Exported
from trainer.export.artifact import export as export_model
from trainer.progress import Progress
from trainer.run import Run, run_of
from trainer.training import checkpoint, fit, interrupt, learner, recipe
from trainer.training import device as devices
from trainer.training.fit import Sets
from trainer.training.recipe import Recipe

# May change between the two parts of an interrupted run: they say when it ends, not what it computes.
FREE_KEYS = frozenset({"SavedSteps", "EndAcc", "EndEpochs", "MaxMinutes", "Patience", "TestBatchSize"})


def train(
    config: TrainConfig, progress: Progress, *, fresh: bool = False, exclude: frozenset[str] = frozenset()
) -> Exported:
    """Train a model as its config says: device, pack, fit, export and prove.

    Args:
        config: from `trainer.config.read`.
        progress: where to report.
        fresh: forget an earlier run instead of going on with it.
        exclude: names of pictures to leave out.

    Raises:
        DataError: the pictures cannot be used as they are.
        RunChangedError: an interrupted run cannot go on with this config or these pictures.
        TrainerError: the export did not prove right; nothing was published.
    """
    run = run_of(config.Model)
    if fresh:
        run.clear()
    earlier = run.earlier()
    device = devices.prepare(config, earlier["made_of"]["precision"] if earlier else None)
    progress.say(str(device))
    packed = pack.prepare(config, progress, exclude)
    for finding in packed.warnings:
        progress.say(f"warning: {finding.text}")
    run.make()
    run.begin(_made_of(config, packed, device.precision), _notes(device.name))
    sets = Sets(packed.load("train"), packed.load("test"))
    plan = recipe.choose(config, len(sets.train), device.precision)
    fitting = fit.Fit(config, plan, sets, run)
    progress.say(_plan_sentence(plan, sets, fitting.position.step))
    with interrupt.interruptible(progress) as stop:
        reason = fitting.train(progress, stop)
    progress.say(f"Training ended: {reason}; best test accuracy {fitting.position.best_accuracy:.2%}")
    return export(config, packed, run)


def export(config: TrainConfig, packed: PackedSet, run: Run) -> Exported:
    """Export the best weights of a run and prove the artifact.

    Raises:
        TrainerError: there are no weights yet, or the export did not prove right.
    """
    if not run.best.exists():
        raise TrainerError(f"{run.best} is missing: train the model first")
    model = learner.reader_with(config, checkpoint.load_arrays(run.best))
    return export_model(model, config, packed, run)


def _made_of(config: TrainConfig, packed: PackedSet, precision: str) -> dict[str, Any]:
    trains = {key: value for key, value in config.Trains.model_dump().items() if key not in FREE_KEYS}
    trains.pop("Precision")
    return {
        "NeuralNet": config.NeuralNet.model_dump(),
        "Trains": trains,
        "Model": config.Model.model_dump(include={"CharSet", "CharExclude", "CharReplace", "CaseSensitive"}),
        "Pretreatment": config.Pretreatment.model_dump(),
        "input size": list(config.input_size),
        "seed": config.System.Seed,
        "pictures": packed.fingerprint,
        "precision": precision,
        "checkpoint": checkpoint.SCHEMA,
    }


def _notes(device: str) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy")}
    return {"device": device, "python": sys.version.split()[0], "versions": versions}


def _plan_sentence(plan: Recipe, sets: Sets, step: int) -> str:
    going_on = f", going on at step {step:,}" if step else ""
    return (
        f"{len(sets.train):,} pictures to train on, {len(sets.test):,} to test on; "
        f"{plan.steps:,} steps of {plan.batch_size} pictures{going_on}. Ctrl-C stops early and keeps the best model."
    )
