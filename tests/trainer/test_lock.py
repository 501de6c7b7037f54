import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from trainer.config import TrainConfig
from trainer.dataset import pack
from trainer.dataset.lock import HeldError, held
from trainer.errors import DataError
from trainer.progress import Silent

ROOT = Path(__file__).parents[2]

HOLD = """
import sys, pathlib
from trainer.dataset.lock import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Return a process that holds the lock until its standard input is closed, or it is killed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_lets_one_in_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "lock"):
        with pytest.raises(HeldError) as caught, held(tmp_path / "lock"):
            pass
        assert caught.value.holder == str(os.getpid())
    with held(tmp_path / "lock"):
        pass


def test_a_killed_holder_leaves_nothing_behind(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        with pytest.raises(HeldError) as caught, held(tmp_path / "lock"):
            pass
        assert caught.value.holder == str(process.pid)
        process.kill()
        process.wait(20)
        with held(tmp_path / "lock"):
            pass


def test_a_second_packing_of_the_same_set_is_refused_and_harms_nobody(
    tmp_path: Path,
    configure: Callable[..., TrainConfig],
    write_pictures: Callable[[Path, Iterable[str]], list[Path]],
) -> None:
    write_pictures(tmp_path / "pictures", [f"{number}_x.png" for number in range(20)])
    root = tmp_path / "dataset"
    scratch = root / "tiny" / f"{pack.SCRATCH}of the other one"
    scratch.mkdir(parents=True)
    with holder(root / ".tiny.lock") as other:
        with pytest.raises(DataError, match=rf"being packed by another process \({other.pid}\); run the command again"):
            pack.prepare(configure(tmp_path / "pictures"), Silent(), root=root)
        assert scratch.exists()
        another = configure(tmp_path / "pictures", Model={"ModelName": "another"})
        assert pack.prepare(another, Silent(), root=root).counts["train"] == 18
        other.kill()
        other.wait(20)
    pack.prepare(configure(tmp_path / "pictures"), Silent(), root=root)
    assert not scratch.exists()
