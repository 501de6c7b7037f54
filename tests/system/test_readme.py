"""The README's blocks run as they stand, in order, on a small set."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.processes import environment, run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SYNTH = "synth pictures --count 400 --charset NUMERIC --length 4 --size 120x40 --seed 1"
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_readme_is_short_and_names_what_is_there() -> None:
    assert len(README.splitlines()) <= 100
    assert [kind for kind, _ in BLOCKS] == ["bash", "bash", "bash", "python"]
    for script in re.findall(r"^(scripts/\w+)", BLOCKS[0][1], re.MULTILINE):
        assert os.access(ROOT / script, os.X_OK)
    for folder in re.findall(r"^(\w+)/ ", README, re.MULTILINE):
        assert (ROOT / folder).is_dir() or (ROOT / "platform" / folder).is_dir()


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with some labelled pictures, where `python` is this one and the platform may be left running."""
    run(tmp_path, "trainer", *SYNTH.split())
    next((tmp_path / "pictures").glob("0*.png")).rename(tmp_path / "pictures" / "0042_a1b2.png")
    for name in ("graph", "model"):
        (tmp_path / "platform" / name).mkdir(parents=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    yield tmp_path, {**environment(), "PATH": path}
    if (tmp_path / "pid").exists():
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)


@pytest.mark.train
def test_the_blocks_run(workplace: tuple[Path, dict[str, str]]) -> None:
    folder, env = workplace

    def bash(block: str) -> str:
        with (folder / "log.txt").open("a") as log:
            done = subprocess.run(
                ["bash", "-euc", block], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=log, text=True, check=False
            )
        assert done.returncode == 0, (folder / "log.txt").read_text("utf-8")
        return done.stdout

    init, rest = BLOCKS[1][1].split("\n", 1)
    bash(init)
    config = folder / "configs" / "mine.yaml"
    config.write_text(config.read_text("utf-8").replace("# MaxMinutes: 30", "MaxMinutes: 0.05"))
    bash(
        rest.replace(
            "python -m serving &", "python -m serving --port 0 --grpc-port off > addresses.txt & echo $! > pid"
        )
    )
    url = wait_for_address(folder / "addresses.txt")
    answer = answered(lambda: json.loads(bash(BLOCKS[2][1].replace("http://127.0.0.1:19951", url))))
    assert re.fullmatch(r"\d*", str(answer["message"]))
    code = BLOCKS[3][1]
    read = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=True)
    assert read.stdout.strip() == answer["message"]


def wait_for_address(path: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(r"http://\S+", path.read_text("utf-8"))
        if found:
            return found.group()
        time.sleep(0.1)
    raise AssertionError("the platform told no address")


def answered(ask: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Ask until the model that was just published is served."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = ask()
        if answer["success"]:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"never answered: {answer}")
