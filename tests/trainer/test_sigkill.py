"""A deterministic training that is killed at random moments ends with the bits of one that never was."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_config
from trainer.run import Run, run_of

pytestmark = pytest.mark.train

STEPS = 40

PROGRAM = """
import sys
from pathlib import Path
from tests.conftest import small_config
from tests.trainer.test_fit import KEYS, fit
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import run_of
from trainer.training.interrupt import Interrupt

import_keras()
from trainer.training import device

class Telling(Interrupt):
    @property
    def requested(self):
        print("step", fitting.position.step, flush=True)
        return False
    @requested.setter
    def requested(self, value):
        pass

config = small_config(
    System={"Deterministic": True, "Threads": 2},
    Trains={**KEYS, "MaxEpochs": 10, "ValidationSteps": 7, "Augment": "strong"},
    NeuralNet={"KeepProb": 0.9},
)
device.prepare(config)
fitting = fit(config, run_of(config.Model, Path(sys.argv[1])))
fitting.train(Silent(), Telling())
"""


def train(folder: Path, kill_at: int | None = None) -> Run:
    """Train in a process of its own, and kill it some time after it has told a step."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        for line in process.stdout or ():
            if kill_at is not None and line.startswith("step ") and int(line.split()[1]) >= kill_at:
                process.kill()
                break
        code = process.wait()
    assert (code == 0) == (kill_at is None)
    return run_of(small_config().Model, folder)


def test_the_bits_after_sigkill_are_those_without(tmp_path: Path) -> None:
    moments = sorted(random.sample(range(1, STEPS - 3), 2))
    print("killed at", moments)  # noqa: T201 - shown when the test fails
    whole = train(tmp_path / "whole")
    for moment in moments:
        train(tmp_path / "killed", kill_at=moment)
    killed = train(tmp_path / "killed")
    for file in ("state", "best"):
        with np.load(getattr(whole, file)) as expected, np.load(getattr(killed, file)) as found:
            names = [name for name in expected if name != "position"]
            assert len(names) > 20
            for name in names:
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
