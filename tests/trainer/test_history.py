"""What a training leaves for people: history.csv, TensorBoard logs and curves.png."""

import io
import math
import struct
from dataclasses import replace
from pathlib import Path

from PIL import Image

from tests.conftest import small_config
from trainer.evaluation import curves
from trainer.evaluation.history import Reading, from_csv, to_csv
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import run_of

HISTORY = [
    Reading(10, 1.0, 12.5, 11.0, 0.25, 0.6, 0.002, 1.5),
    Reading(20, 2.0, 0.125, 0.5, 0.75, 0.1, 0.001, 3.25),
]


def test_history_survives_its_csv() -> None:
    text = to_csv(HISTORY)
    assert text.splitlines()[0] == "step,epoch,loss,test_loss,accuracy,character_error_rate,rate,seconds"
    assert from_csv(text) == HISTORY


def test_a_history_without_the_loss_of_the_test_set_is_read_and_drawn() -> None:
    (found,) = from_csv("step,epoch,loss,accuracy,character_error_rate,rate,seconds\n10,1.0,12.5,0.25,0.6,0.002,1.5\n")
    assert math.isnan(found.test_loss)
    assert replace(found, test_loss=11.0) == HISTORY[0]
    assert curves.png([found, replace(found, step=20, loss=math.nan)], "a model")
    assert math.isnan(from_csv(to_csv([found]))[0].test_loss)


def test_curves_are_a_picture_with_a_line_in_it() -> None:
    picture = Image.open(io.BytesIO(curves.png(HISTORY, "a model")))
    assert picture.size == (990, 660)
    assert len(picture.convert("RGB").getcolors(2**24)) > 10


def test_tensorboard_gets_every_number(tmp_path: Path) -> None:
    import_keras()
    import tensorflow as tf  # noqa: PLC0415 - it takes seconds

    from trainer.training.journal import SCALARS, Journal  # noqa: PLC0415 - it imports tensorflow

    run = run_of(small_config().Model, tmp_path)
    run.make()
    for readings in (HISTORY[:1], HISTORY):  # the second as a run that goes on
        journal = Journal(run, Silent())
        journal.add(readings)
        journal.close(readings)
    found = {}
    for path in run.tensorboard.iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found[event.step, value.tag] = struct.unpack("<f", value.tensor.tensor_content)[0]
    expected = {(line.step, name): getattr(line, name) for line in HISTORY for name in SCALARS}
    assert found.keys() == expected.keys()
    assert all(abs(found[key] - expected[key]) < 1e-6 for key in expected)
    assert run.history.read_text("utf-8") == to_csv(HISTORY)
    assert run.curves.exists()
