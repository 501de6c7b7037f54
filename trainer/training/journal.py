"""What a training writes for people besides its checkpoints: history.csv, TensorBoard logs, curves.png."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from contract.files import write_atomically
from trainer.evaluation import curves, history
from trainer.evaluation.history import Reading
from trainer.progress import Progress
from trainer.run import Run

# What TensorBoard shows. tf.summary.scalar writes the same, but only where the tensorboard package is installed.
SCALARS = ("loss", "test_loss", "accuracy", "character_error_rate", "rate")


class Journal:
    """Writes down how the training of one run goes. Close it at the end."""

    def __init__(self, run: Run, progress: Progress) -> None:
        """Open a TensorBoard log; a run that goes on gets one more file in the same folder."""
        self._run = run
        self._progress = progress
        self._log = tf.summary.create_file_writer(str(run.tensorboard))

    def add(self, readings: Sequence[Reading]) -> None:
        """Write down the newest of all readings so far."""
        self._write(self._run.history, history.to_csv(readings).encode())
        newest = readings[-1]
        with self._log.as_default(step=newest.step):
            for name in SCALARS:
                tf.summary.write(name, tf.constant(getattr(newest, name), tf.float32), metadata=_scalar(name))
        self._log.flush()

    def close(self, readings: Sequence[Reading]) -> None:
        """Draw the curves and close the log."""
        self._log.close()
        if readings:
            self._write(self._run.curves, curves.png(readings, self._run.stem))

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except PermissionError as error:  # as from a spreadsheet on Windows that shows it: no reason to end a training
            self._progress.say(f"warning: {path} stays as it is: {error.strerror}; close what has it open")


def _scalar(name: str) -> tf.compat.v1.SummaryMetadata:
    metadata = tf.compat.v1.SummaryMetadata(display_name=name)
    metadata.plugin_data.plugin_name = "scalars"
    return metadata
