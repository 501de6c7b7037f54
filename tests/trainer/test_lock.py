import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from trainer.config import TrainConfig
from trainer.dataset import pack, workplace
from trainer.errors import DataError
from trainer.framework import import_keras
from trainer.lock import HeldError, held
from trainer.progress import Silent
from trainer.run import Run, RunInUseError, run_of

ROOT = Path(__file__).parents[2]

HOLD = """
import sys, pathlib
from trainer.lock import held
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
        assert caught.value.holder == f"process {os.getpid()} on {socket.gethostname()}"
    with held(tmp_path / "lock"):
        pass


def test_a_killed_holder_leaves_nothing_behind(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        with pytest.raises(HeldError) as caught, held(tmp_path / "lock"):
            pass
        assert caught.value.holder.startswith(f"process {process.pid} on ")
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
    scratch = root / "tiny" / f"{workplace.SCRATCH}of the other one"
    scratch.mkdir(parents=True)
    with holder(root / ".tiny.lock") as other:
        with pytest.raises(DataError, match=rf"in use by process {other.pid} on .+; run the command again"):
            pack.prepare(configure(tmp_path / "pictures"), Silent(), root=root)
        assert scratch.exists()
        another = configure(tmp_path / "pictures", Model={"ModelName": "another"})
        assert pack.prepare(another, Silent(), root=root).counts["train"] == 18
        other.kill()
        other.wait(20)
    pack.prepare(configure(tmp_path / "pictures"), Silent(), root=root)
    assert not scratch.exists()


def test_a_set_that_is_trained_on_is_not_packed_again(
    tmp_path: Path,
    configure: Callable[..., TrainConfig],
    write_pictures: Callable[[Path, Iterable[str]], list[Path]],
) -> None:
    pictures, root = tmp_path / "pictures", tmp_path / "dataset"
    write_pictures(pictures, [f"{number}_x.png" for number in range(20)])
    packed = pack.prepare(configure(pictures), Silent(), root=root)
    with pack.kept(configure(pictures), root):
        assert pack.prepare(configure(pictures), Silent(), root=root) == packed  # nothing to pack: reading is free
        write_pictures(pictures, ["7_new.png"])
        with pytest.raises(DataError, match="trains on it"):
            pack.prepare(configure(pictures), Silent(), root=root)
        assert len(packed.load("train")) == 18
    assert pack.prepare(configure(pictures), Silent(), root=root).fingerprint != packed.fingerprint


def test_a_run_in_use_is_refused_and_one_whose_process_is_gone_is_taken_over(tmp_path: Path) -> None:
    run = Run(tmp_path / "out" / "tiny", "tiny_1.0")
    with run.alone():
        pass
    with holder(tmp_path / "out" / ".tiny.lock") as other:
        with pytest.raises(RunInUseError, match=rf"process {other.pid} on .+another ModelName"), run.alone():
            pass
        with Run(tmp_path / "out" / "another", "another_1.0").alone():
            pass
        other.kill()
        other.wait(20)
    with run.alone():
        pass


def test_a_training_holds_its_run_before_anything_else(
    tmp_path: Path, configure: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keras()
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    monkeypatch.chdir(tmp_path)
    config = configure(tmp_path / "nowhere")
    with run_of(config.Model).alone(), pytest.raises(RunInUseError):
        story.train(config, Silent(), fresh=True)
