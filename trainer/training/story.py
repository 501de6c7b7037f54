"""A whole training, from config to proven artifact; and an artifact made again from a run's best weights."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.files import write_atomically
from trainer.config import TrainConfig
from trainer.dataset import curriculum, pack, quarantine
from trainer.dataset.endless import Endless
from trainer.dataset.findings import counted
from trainer.dataset.pack import PackedSet
from trainer.dataset.synth import BEGIN_WITH
from trainer.errors import TrainerError, UsageError
from trainer.evaluation.metrics import by_length, lengths_sentence
from trainer.evaluation.report import Item
from trainer.export.artifact import Exported, refuse_unprovable
from trainer.export.artifact import export as export_model
from trainer.export.runtimes import Format
from trainer.progress import Progress
from trainer.run import Run, run_of
from trainer.training import (
    apart,
    assessment,
    checkpoint,
    fit,
    identity,
    interrupt,
    learner,
    lineage,
    primer,
    recipe,
    suspicion,
    warm,
)
from trainer.training import check as checks
from trainer.training import device as devices
from trainer.training.fit import Sets
from trainer.training.lineage import Lineage
from trainer.training.pipeline import epoch_pictures, some_labels, source_of
from trainer.training.recipe import Recipe
from trainer.training.rehearsal import rehearse
from trainer.training.resolved import resolve, to_yaml
from trainer.training.vitals import LABELS
from trainer.training.warm import Donor

# Test pictures that an export is tried on before the first step.
REHEARSED = 8

# Pictures shown in all. A shorter training takes hardly longer than the check at the start, which shows up to half as
# many, and builds and exports a network of its own: it finds out as soon by itself.
CHECKED_FROM = 2 * checks.STEPS * checks.BATCH


def train(
    config: TrainConfig,
    progress: Progress,
    *,
    fresh: bool = False,
    exclude: frozenset[str] = frozenset(),
    warm_start: Path | None = None,
) -> Exported:
    """Train a model as its config says: device, pack, fit, export and prove.

    Args:
        config: from `trainer.config.read`.
        progress: where to report.
        fresh: forget an earlier run instead of going on with it.
        exclude: names of pictures to leave out.
        warm_start: a run's folder, its best.npz or its .pb, to take over what fits; a run that goes on has it already,
            and does not look for it again. It may be this very run: its best weights stay until the new training has
            read the test set, so that the same command goes on from them if it was killed before.

    Raises:
        UsageError: there are no weights to start from, or they have learned from pictures of the test set, or what is
            asked for cannot be exported here.
        DataError: the pictures cannot be used as they are.
        RunInUseError: another process trains or exports this model.
        RunChangedError: an interrupted run cannot go on with this config or these pictures.
        TrainerError: the export did not prove right; nothing was published.
    """
    with contextlib.ExitStack() as holding:
        holding.enter_context(run_of(config.Model).alone())
        return _train(config, progress, holding, fresh=fresh, exclude=exclude, warm_start=warm_start)


def _train(
    config: TrainConfig,
    progress: Progress,
    holding: contextlib.ExitStack,
    *,
    fresh: bool,
    exclude: frozenset[str],
    warm_start: Path | None,
) -> Exported:
    refuse_unprovable(config)
    run = run_of(config.Model)
    earlier = None if fresh else run.earlier()
    donor = _donor(warm_start, earlier)
    if warm_start:
        config = curriculum.skipped(config)
    device = devices.prepare(config, earlier["made_of"]["precision"] if earlier else None)
    progress.say(str(device))
    packed = pack.prepare(config, progress, exclude)
    holding.enter_context(pack.kept(config))
    for finding in packed.warnings:
        progress.say(f"warning: {finding.text}")
    come_from = _lineage(run, packed, donor, earlier)
    if donor:
        _judge(donor, come_from, packed, run, progress)
    plan = recipe.choose(config, epoch_pictures(config, packed), device.precision)
    thorough = plan.steps * plan.batch_size > CHECKED_FROM
    if thorough and not earlier:  # a run that goes on was checked when it began
        apart.check(config, packed, progress)
    if fresh:  # not before all that can go wrong with the pictures or the network has
        run.clear(keep_best=donor is not None and donor.source.resolve() == run.best.resolve())
    resolved = resolve(config, plan, packed.counts["test"])
    started_from = {"warm start": warm_start.as_posix() if warm_start else None}
    run.make()
    moved = _moved(run, packed, earlier)
    run.begin(identity.made_of(resolved, packed, device.precision) | started_from, identity.notes(device.name), *moved)
    _keep(run, resolved, packed, come_from)
    sets = Sets(source_of(config, packed), packed.load("test"))
    if plan.primer and not (donor or earlier):
        donor = _primed(config, plan, sets, progress)
    fitting = fit.Fit(config, plan, sets, run, donor)
    if donor and fitting.taken:
        progress.say(f"Starting from {donor.source}: {fitting.taken}")
    if not thorough and not fitting.position.step:
        rehearse(fitting.reader, config, sets.test, REHEARSED)
    _fit(fitting, progress, _plan_sentence(plan, sets, fitting.position.step))
    return export(config, packed, run, progress)


def export(
    config: TrainConfig, packed: PackedSet, run: Run, progress: Progress, formats: Sequence[Format] = ()
) -> Exported:
    """Export the best weights of a run, prove the artifact, and report how well it reads.

    Raises:
        TrainerError: there are no weights yet, they have learned from test pictures, or the export did not prove right.
    """
    if not run.best.exists():
        raise TrainerError(f"{run.best} is missing: train the model first")
    found = lineage.doubt(lineage.recall(run.best.parent, packed), packed)
    if found.learned:
        raise TrainerError(f"nothing was exported: {lineage.advised(found, packed, run.learned)}")
    model = learner.reader_with(config, checkpoint.load_arrays(run.best))
    exported = export_model(model, config, packed, run, formats)
    items = assessment.read_test_set(config, packed, run, progress)
    if found:
        progress.say(f"warning: {found}")
    assessment.write_report(run, items, _suspects(config, run, progress), found)
    lengths = by_length([item.label for item in items], [item.text for item in items])
    if len(lengths) > 1:
        progress.say(lengths_sentence(lengths))
    progress.say(f"Report: {run.report}")
    return exported


def _suspects(config: TrainConfig, run: Run, progress: Progress) -> list[Item]:
    try:
        return suspicion.recall(config, run.relabel)
    except TrainerError as error:  # neither an edited table nor moved pictures may cost a training its report
        progress.say(f"warning: {error}; the report leaves the suspects out")
        return []


def _primed(config: TrainConfig, plan: Recipe, sets: Sets, progress: Progress) -> Donor:
    labels, _ = some_labels(sets.train, config.charset, LABELS, 0)
    return primer.learn(config, plan, labels, progress)


def _donor(warm_start: Path | None, earlier: dict[str, Any] | None) -> Donor | None:
    if warm_start is None:
        return None
    if earlier is None:
        return warm.find(warm_start)
    if earlier["made_of"].get("warm start") != warm_start.as_posix():
        warm.find(warm_start)  # the run is refused as changed, but not for a name that means nothing
    return None


def _lineage(run: Run, packed: PackedSet, donor: Donor | None, earlier: dict[str, Any] | None) -> Lineage:
    """Return what the weights come from that are to be trained."""
    if earlier:
        started_from = earlier["made_of"].get("warm start")
        unknown = [started_from] if started_from else []
        return lineage.recall(run.best.parent, packed) or lineage.begun(packed, unknown=unknown)
    if donor:
        known = None if donor.graph else lineage.recall(donor.source.parent, packed)
        return lineage.descended(known, donor.source.as_posix(), packed)
    return lineage.begun(packed)


def _moved(run: Run, packed: PackedSet, earlier: dict[str, Any] | None) -> tuple[list[str] | None, str]:
    """Return how the pictures of a run that was to go on have changed, and why none may start warm from it."""
    if not earlier or earlier["made_of"]["pictures"] == packed.fingerprint:
        return None, ""
    known = lineage.recall(run.best.parent, packed)
    found = lineage.doubt(known, packed)
    left_out = len(quarantine.read(run.excluded)) if run.excluded.exists() else 0
    return lineage.changes(known, packed, left_out) if known else None, str(found) if found else ""


def _judge(donor: Donor, come_from: Lineage, packed: PackedSet, run: Run, progress: Progress) -> None:
    """Refuse a donor whose heir could not be scored on this test set."""
    found = lineage.doubt(come_from, packed)
    if found.learned:
        raise UsageError(f"--warm-start {donor.source}: {lineage.advised(found, packed, run.learned)}")
    if found:
        progress.say(f"warning: {found}")


def _keep(run: Run, resolved: TrainConfig, packed: PackedSet, come_from: Lineage) -> None:
    """Write what repeating the run needs, and what judging its weights does."""
    lineage.write(run.pictures, come_from)
    left_out = packed.manifest.Excluded
    run.excluded.unlink(missing_ok=True)
    if left_out:
        quarantine.write_names(run.excluded, dict.fromkeys(left_out, "left out"))
    write_atomically(run.config, to_yaml(resolved, run.excluded if left_out else None))


def _fit(fitting: fit.Fit, progress: Progress, plan: str) -> None:
    with interrupt.interruptible(progress) as stop:
        progress.say(plan)
        reason = fitting.train(progress, stop)
    readings = counted(len(fitting.position.history), "reading")
    progress.say(f"Training ended: {reason}; best test accuracy {fitting.best_accuracy:.2%}, of {readings}")
    if outlook := fitting.outlook:
        progress.say(outlook)
    if fitting.waiting.worked:
        progress.say(str(fitting.waiting))


def _plan_sentence(plan: Recipe, sets: Sets, step: int) -> str:
    going_on = f", going on at step {step:,}" if step else ""
    train = _drawn(sets.train) if isinstance(sets.train, Endless) else f"{len(sets.train):,} pictures"
    return (
        f"{train} to train on, {len(sets.test):,} to test on; "
        f"{plan.steps:,} steps of {plan.batch_size} pictures{going_on}. {plan} "
        "Ctrl-C stops early and keeps the best model."
    )


def _drawn(source: Endless) -> str:
    first = source.drawing.curriculum
    return f"Drawn pictures (the first {first:,} of at most {BEGIN_WITH} symbols)" if first else "Drawn pictures"
