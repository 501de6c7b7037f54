"""What is written into a pipe holds every symbol, whatever the system's encoding."""

import os
import subprocess
import sys

import pytest

PRINTS = r"import sys; from contract import output; output.take_any_symbol(); print('\u4e2d\udce9', file=sys.{})"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_code_page_loses_nothing(stream: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PRINTS.format(stream)]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert getattr(done, stream).decode("utf-8").strip() == "\u4e2d\\udce9"
