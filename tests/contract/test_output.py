"""What is written into a pipe holds every symbol, whatever the system's encoding."""

import os
import subprocess
import sys

import pytest

PRINTS = r"import sys; from contract import output; output.take_any_symbol(); print('\u4e2d\udce9', file=sys.{})"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(("asked", "written"), [({}, "\u4e2d"), ({"PYTHONIOENCODING": "cp1252"}, "\\u4e2d")])
def test_a_code_page_loses_nothing(asked: dict[str, str], written: str, stream: str) -> None:
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    environment = os.environ | plain | asked | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PRINTS.format(stream)]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert getattr(done, stream).decode("utf-8").strip() == f"{written}\\udce9"
