"""Training on drawn pictures: it goes on exactly, and its workers need no framework and never outlive it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainer.test_endless import config_of
from tests.trainer.test_fit import KEYS, NOTHING, InterruptAfter, examples
from trainer.dataset import pack
from trainer.dataset.endless import source_of
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import Run, run_of
from trainer.training.interrupt import Interrupt

pytestmark = pytest.mark.train

PATIENCE = 120  # seconds

CONFIG = """
System: {TrainsPath: synthetic, TestSetNum: 8}
Synthetic: {Length: 2, Workers: 2}
Trains: {BatchSize: 4, MaxEpochs: 50, Precision: float32}
Model: {ModelName: endless, CharSet: NUMERIC, ImageWidth: 48, ImageHeight: 16}
"""


def fit(run: Run, workers: int, **keys: Any) -> Any:
    import_keras()
    from trainer.training import fit as fits  # noqa: PLC0415 - these import keras
    from trainer.training import recipe  # noqa: PLC0415

    run.make()
    trains = {**KEYS, "BatchSize": 8, "MaxEpochs": 3, "Augment": "light", **keys.pop("Trains", {})}
    config = config_of(Trains=trains, Synthetic={"Epoch": 40, "Workers": workers, **keys})
    sets = fits.Sets(source_of(config), examples(16, 48))
    return fits.Fit(config, recipe.choose(config, 40, "float32"), sets, run)


def test_a_killed_run_goes_on_with_the_pictures_it_would_have_seen(tmp_path: Path) -> None:
    model = config_of().Model
    whole, killed = run_of(model, tmp_path / "whole"), run_of(model, tmp_path / "killed")
    fit(whole, workers=1).train(Silent(), Interrupt())
    with pytest.raises(KeyboardInterrupt):
        fit(killed, workers=1).train(Silent(), InterruptAfter(10, KeyboardInterrupt))
    fit(killed, workers=2).train(Silent(), Interrupt())
    with np.load(whole.state) as expected, np.load(killed.state) as found:
        for name in expected:
            if name != "position":
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_run_that_began_with_more_of_few_symbols_is_another(tmp_path: Path) -> None:
    import_keras()
    from trainer.training.identity import made_of  # noqa: PLC0415 - as above

    configs = [config_of(Synthetic={"Curriculum": pictures}) for pictures in (0, 40, 50)]
    packed = pack.prepare(configs[0], Silent(), root=tmp_path)
    none, forty, fifty = (made_of(config, packed, "float32") for config in configs)
    assert "curriculum" not in none  # as in runs of a time that knew of none
    assert forty == {**none, "curriculum": 40} != fifty


def test_nothing_is_in_vain_before_all_symbols_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "trainer.training.learner.Learner.read_and_weigh", lambda _self, pixels, _l, _s: ([NOTHING] * len(pixels), 9.0)
    )
    trains = {"ValidationSteps": 1, "Patience": 2}
    for curriculum, end in ((0, 3), (80, 12)):
        fitting = fit(run_of(config_of().Model, tmp_path / str(end)), 1, Curriculum=curriculum, Trains=trains)
        assert fitting.train(Silent(), Interrupt()).endswith("(Patience)")
        assert fitting.position.step == end


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_text()
        except OSError:
            continue  # ended meanwhile
        if int(fields[1]) == parent and "spawn_main" in command and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def uses_tensorflow(process: int) -> bool:
    return "tensorflow" in Path(f"/proc/{process}/maps").read_text()


def drawing(process: int) -> bool:
    return "_imagingft" in Path(f"/proc/{process}/maps").read_text()  # Pillow's fonts are loaded


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at the processes of Linux")
def test_workers_of_a_real_training_import_no_tensorflow_and_die_with_it(tmp_path: Path) -> None:
    (tmp_path / "endless.yaml").write_text(CONFIG, "utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "trainer", "train", "endless.yaml"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as training:
        try:
            wait_for(lambda: len([child for child in children(training.pid) if drawing(child)]) == 2)
            workers = children(training.pid)
            wait_for((tmp_path / "out" / "endless" / "run" / "state.npz").exists)
            assert uses_tensorflow(training.pid)
            assert not any(uses_tensorflow(worker) for worker in workers)
        finally:
            training.kill()
    wait_for(lambda: not any(alive(worker) for worker in workers))
