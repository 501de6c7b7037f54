"""The training loop: steps, readings of the whole test set, checkpoints, and an end that always leaves the best."""

import contextlib
import math
import time
from dataclasses import dataclass

import keras
import numpy as np

from contract.decode import DamagedError
from contract.files import write_atomically
from contract.pixels import Pixels
from trainer.config import TrainConfig
from trainer.dataset.records import Examples
from trainer.errors import DivergedError
from trainer.evaluation.history import Reading
from trainer.evaluation.metrics import Score, score
from trainer.progress import Progress, Steps
from trainer.run import Run
from trainer.training import checkpoint, outlook, plateau, vitals
from trainer.training.checkpoint import Position
from trainer.training.interrupt import Interrupt
from trainer.training.journal import Journal
from trainer.training.learner import Learner
from trainer.training.pipeline import Batch, Source, Stream, batches_of, label_matrix, some_labels
from trainer.training.recipe import Recipe
from trainer.training.stopping import Standing, out_of_time, reached, reason_to_stop
from trainer.training.waiting import Waiting
from trainer.training.warm import SOME, Donor, Taken

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Sets:
    """The pictures of both sides."""

    train: Source
    test: Examples


class Fit:
    """One training of one run, fresh or going on where it was interrupted.

    The test set is read regularly, and once more where Ctrl-C or MaxMinutes ends a training. That reading is a line of
    history.csv, and its weights are exported if they are the best; but it counts for nothing afterwards. A run that
    goes on has the weights, the best ones, the Patience, the end and the other lines of history.csv that it would have
    had without the interruption.

    Attributes:
        position: where it stands.
        waiting: how its steps spend their time, in this process.
        taken: what was taken over from a donor; None without one, and in a run that goes on.
    """

    def __init__(self, config: TrainConfig, recipe: Recipe, sets: Sets, run: Run, donor: Donor | None = None) -> None:
        """Build the network, or restore it from the run's checkpoint; a fresh one takes over what fits from a donor."""
        self._config = config
        self._recipe = recipe
        self._sets = sets
        self._run = run
        self._learner = Learner(config, recipe)
        self.waiting = Waiting()
        self._told_why = False
        self.taken: Taken | None = None
        self.position = Position()
        if run.state.exists():
            self.position, arrays = checkpoint.load(run.state)
            self._learner.restore(arrays)
        elif donor:
            self.taken = self._learner.start_from(donor, _some(sets))
            self._save()

    @property
    def best_accuracy(self) -> float:
        """Share of the test set's texts that the weights in `run.best` read right, 0..1; below zero if unread."""
        return max([self.position.best_accuracy, *(reading.accuracy for reading in self.position.history[-1:])])

    @property
    def outlook(self) -> str:
        """What would make it read better, for a person; empty where it has not ended, or as it was to.

        Of one that reads nothing at all `train` has said more.
        """
        position = self.position
        if self._told_why or not position.finished or reached(self._config.Trains, self._standing()):
            return ""
        labels, _ = some_labels(self._sets.train, self._config.charset, vitals.LABELS, 0)
        last = position.history[-1]
        return outlook.advice(vitals.ending(self._config, self._recipe, labels, last, self.best_accuracy))

    @property
    def reader(self) -> keras.Model:
        """The network in float32 that test readings and the export use."""
        return self._learner.reader

    def train(self, progress: Progress, interrupt: Interrupt) -> str:
        """Train until something ends it, and return why. Afterwards `run.best` holds the best weights.

        Args:
            progress: shows steps, loss, accuracy and time left.
            interrupt: asked between steps.
        """
        if self.position.finished and self._is_over():
            return self.position.finished
        if self._run.regular.exists():
            write_atomically(self._run.best, self._run.regular.read_bytes())
            self._run.regular.unlink()
        total = self._recipe.steps - self.position.step
        self._journal = Journal(self._run, progress)
        try:
            with (
                progress.steps("train", total * self._recipe.batch_size) as shown,
                contextlib.closing(self._batches()) as batches,
            ):
                reason = self._loop(batches, shown, interrupt, progress)
        except DamagedError as error:  # the last step has left no numbers in the weights
            raise self._diverged() from error
        finally:
            self._journal.close(self.position.history)
        self.position.finished = "" if reason == INTERRUPTED else reason
        self._save()
        return reason

    def _is_over(self) -> bool:
        # A goal may have been set higher since, or the time limit raised: then the run goes on.
        if self.position.step >= self._recipe.steps:
            return True
        return reason_to_stop(self._config.Trains, self._standing()) is not None

    def _loop(self, batches: Stream, shown: Steps, interrupt: Interrupt, progress: Progress) -> str:
        position, recipe = self.position, self._recipe
        clock = time.monotonic() - position.seconds
        for batch in self.waiting.over(batches):
            rate = recipe.rate(position.step, position.history)
            with self.waiting.working():
                loss = self._learner.step(batch.images, batch.labels, rate)
            if not math.isfinite(loss):
                raise self._diverged()
            position.step += 1
            position.loss_sum += loss
            position.loss_steps += 1
            position.seconds = time.monotonic() - clock
            shown.note(self._note(loss))
            shown.advance(recipe.batch_size)
            if position.step in plateau.LOOK_AT:
                self._look(batch, loss, progress)
            stop = interrupt.requested or out_of_time(self._config.Trains, position.seconds / 60)
            if stop or self._is_regular():
                self._read_test_set(rate)
                shown.note(self._note(loss))
                reason = reason_to_stop(self._config.Trains, self._standing())
                if interrupt.requested and not (reason and self._is_regular()):
                    reason = INTERRUPTED  # a reading that is only made for it must not end what would have gone on
                if reason or position.step == recipe.steps:
                    if position.history[-1].accuracy == 0:
                        self._look(batch, loss, progress, over=True)
                    return reason or self._all_done
            if position.step % recipe.save_every == 0:
                self._save()
        return self._all_done  # by an earlier part of the run

    def _diverged(self) -> DivergedError:
        best = self.best_accuracy
        kept = f"; `trainer export` makes a model of the best weights so far ({best:.2%} right)" if best > 0 else ""
        return DivergedError(self.position.step, advice=f", and train with --fresh{kept}")

    @property
    def _all_done(self) -> str:
        return f"all {self._recipe.steps:,} steps are done"

    def _is_regular(self) -> bool:
        """Return whether the test set is read after this step whatever happens."""
        return self.position.step % self._recipe.validate_every == 0 or self.position.step == self._recipe.steps

    def _batches(self) -> Stream:
        return batches_of(self._sets.train, self._config, self._recipe, first_step=self.position.step)

    def _look(self, batch: Batch, loss: float, progress: Progress, *, over: bool = False) -> None:
        """Say what is the matter if nothing at all is read from a batch that was just learned from."""
        self._learner.refresh_reader()
        images = np.asarray(batch.images)
        if not any(item.text for item in self._learner.read(images, len(images))):
            self._told_why = over
            seen = (self.position.step - 1) * self._recipe.batch_size
            labels = some_labels(self._sets.train, self._config.charset, vitals.LABELS, seen)
            found = vitals.measure(self._config, *labels, self._learner, loss, batch)
            progress.say(f"No text yet: {plateau.diagnose(found, over=over)}")

    def _read_test_set(self, rate: float) -> None:
        position = self.position
        self._learner.refresh_reader()
        result, test_loss = self._score()
        position.history.append(
            Reading(
                step=position.step,
                epoch=round(position.step / self._recipe.epoch_steps, 3),
                loss=position.loss_sum / position.loss_steps,
                test_loss=test_loss,
                accuracy=result.accuracy,
                character_error_rate=result.character_error_rate,
                rate=rate,
                seconds=round(position.seconds, 3),
            )
        )
        # Of equal ones the later: it has learned from more pictures.
        is_best = result.accuracy >= position.best_accuracy
        if self._is_regular():
            position.loss_sum, position.loss_steps = 0.0, 0
            waits = result.accuracy <= position.best_accuracy and position.step > self._recipe.beginning
            position.since_best = position.since_best + 1 if waits else 0
            position.best_accuracy = max(position.best_accuracy, result.accuracy)
        elif is_best and position.best_accuracy >= 0:
            write_atomically(self._run.regular, self._run.best.read_bytes())
        if is_best:
            checkpoint.save_arrays(self._run.best, self._learner.reader_weights())
        self._journal.add(position.history)
        self._save()

    def _score(self) -> tuple[Score, float]:
        test = self._sets.test
        labels = label_matrix(test.labels, self._config.charset)
        items, loss = self._learner.read_and_weigh(test.pixels, labels, self._config.Trains.TestBatchSize)
        return score(test.labels, [item.text for item in items]), loss

    def _standing(self) -> Standing:
        position = self.position
        epoch = position.step // self._recipe.epoch_steps
        newest = position.history[-1]
        return Standing(epoch, newest.accuracy, newest.test_loss, position.since_best, position.seconds / 60)

    def _note(self, loss: float) -> str:
        read = self.position.history
        tested = f"test {read[-1].accuracy:.2%} (best {self.best_accuracy:.2%})" if read else "test not read yet"
        return f"loss {loss:.3f}  {tested}"

    def _save(self) -> None:
        checkpoint.save(self._run.state, self.position, self._learner.state())


def _some(sets: Sets) -> Pixels:
    """Return pictures for statistics; of those that are drawn while training there are none yet, but for the test's."""
    source = sets.train if isinstance(sets.train, Examples) else sets.test
    return source.pixels[:SOME]
