"""Reading in the time that nothing else wants: the same texts, on one thread of the system's idle class."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.test_engine import Artifact, pictures

_CODE = """
import os, pathlib, sys
import numpy as np, engine
from dataclasses import replace
content = pathlib.Path(sys.argv[2]).read_bytes()
if "forbidden" in sys.argv:
    def forbid(*_):
        raise PermissionError
    os.sched_setscheduler = forbid
opened = [engine.load(pathlib.Path(sys.argv[1]), threads=replace(engine.THROUGHPUT, spare=True)) for _ in range(2)]
pixels = np.stack([opened[0].prepare(content)] * 3)
for one in opened:
    usual, spare = one.read_pixels(pixels), one.read_in_spare_time
    print(usual == spare(pixels) if spare else None)
tasks = [int(task) for task in os.listdir("/proc/self/task")]
print(sum(os.sched_getscheduler(task) == os.SCHED_IDLE for task in tasks))
for one in opened:
    one.close()
"""


def said(artifact: Artifact, folder: Path, *words: str) -> list[str]:
    (folder / "a.png").write_bytes(pictures(1, seed=0)[0])
    command = [sys.executable, "-c", _CODE, str(artifact.write(folder)), str(folder / "a.png"), *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such time")
def test_all_models_share_one_thread_for_it_and_read_what_they_read_otherwise(
    artifact: Artifact, tmp_path: Path
) -> None:
    assert said(artifact, tmp_path) == ["True", "True", "1"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such time")
def test_where_it_is_forbidden_models_read_without_it(artifact: Artifact, tmp_path: Path) -> None:
    assert said(artifact, tmp_path, "forbidden") == ["None", "None", "0"]
