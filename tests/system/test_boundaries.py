"""What a new user and a new colleague rely on: quick help, plain errors, a README that is true."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.processes import environment, run

ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "matplotlib")


@pytest.mark.parametrize("module", ["trainer", "serving"])
def test_help_needs_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, runpy\nsys.argv = ['{module}', '--help']\n"
        f"try: runpy.run_module('{module}', run_name='__main__')\nexcept SystemExit as end: assert not end.code\n"
        f"loaded = {{name.split('.')[0] for name in sys.modules}} & {set(HEAVY)}\nassert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: python -m" in done.stdout


@pytest.mark.slow  # tests/trainer/test_cli.py asks the same within one process
def test_every_trainer_command_shows_an_example() -> None:
    listing = run(ROOT, "trainer", "--help").stdout
    commands = re.findall(r"^    (\w+) {2,}", listing, re.MULTILINE)
    assert {"init", "synth", "verify", "pack", "train", "evaluate", "export", "predict", "publish"} <= set(commands)
    for command in commands:
        assert f"python -m trainer {command} " in run(ROOT, "trainer", command, "--help").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("trainer train missing.yaml", 2, "missing.yaml: 1 problem"),
        ("trainer verify bad.yaml", 2, "System.TrainPath: unknown key (did you mean 'TrainsPath'?)"),
        ("trainer verify nowhere.yaml", 1, "System.TrainsPath: 'not-there' is not there"),
        ("trainer publish nowhere.yaml", 1, "train the model first"),
        ("trainer evaluate nowhere.yaml", 1, "System.TrainsPath: 'not-there' is not there"),
        ("trainer fly", 2, "invalid choice"),
        ("serving --graph nowhere --model nowhere", 2, "no such folder"),
        ("serving --port many", 2, "many"),
    ],
)
def test_a_users_mistake_is_a_sentence(words: str, code: int, message: str, tmp_path: Path) -> None:
    model = "Model: {ModelName: a, CharSet: NUMERIC, ImageWidth: 48, ImageHeight: 16}"
    (tmp_path / "bad.yaml").write_text(f"System: {{TrainPath: x}}\n{model}\n")
    (tmp_path / "nowhere.yaml").write_text(f"System: {{TrainsPath: not-there}}\n{model}\n")
    done = run(tmp_path, *shlex.split(words), code=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 15
