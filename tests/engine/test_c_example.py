"""The example in C, built and run as its README says, reads what we read."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from tests.conftest import Artifact
from tests.engine.test_engine import pictures

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "c"


def commands_of_the_readme() -> tuple[str, str]:
    """How to build, and how to write a PGM, as the README has it."""
    build, write = re.findall(r"```bash\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)
    return build, write


@pytest.mark.slow
def test_the_example_in_c_reads_what_we_read(artifact: Artifact, tmp_path: Path) -> None:
    if shutil.which("cc") is None or shutil.which("bash") is None or not _has_c_library():
        pytest.skip("needs a C compiler, bash, and TensorFlow's C library inside the pip package")
    build, write = commands_of_the_readme()
    sources = {"examples/c/read.c": str(EXAMPLE / "read.c"), "-O2": "-O2 -Wall -Wextra -Werror"}
    for old, new in sources.items():
        build = build.replace(old, new)
    run(build, tmp_path)
    spec = artifact.write(tmp_path)
    contents = pictures(5, seed=7)
    names = []
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.png").write_bytes(content)
        names.append(f"{number}.pgm")
        command = write.partition("\n./read")[0].replace("PYTHONPATH=platform", f"PYTHONPATH={ROOT / 'platform'}")
        command = command.replace(
            "out/NAME/model/NAME_1.0.yaml picture.png picture.pgm", f"{spec} {number}.png {names[-1]}"
        )
        run(command, tmp_path)
    printed = run(f"./read graph/small_1.0.pb 0123456789 {' '.join(names)}", tmp_path)
    texts = [reading.text for reading in engine.load(spec).read(contents)]
    assert printed.splitlines() == [f"{name}\t{text}" for name, text in zip(names, texts, strict=True)]
    assert len(set(texts)) > 1


def run(command: str, folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _has_c_library() -> bool:
    found = importlib.util.find_spec("tensorflow")
    places = found.submodule_search_locations if found else None
    return bool(places) and (Path(places[0]) / "libtensorflow_cc.so.2").exists()
