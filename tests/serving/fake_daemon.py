"""`python -m serving` with the fake engine: for tests that need a process to send signals to."""

import sys
from unittest.mock import patch

import engine
from serving.cli.root import main
from tests.serving.fake_engine import FakeEngine

if __name__ == "__main__":
    with patch.object(engine, "open_model", FakeEngine()):
        # A graph of the fake engine would not survive the real one's trial.
        sys.exit(main([*sys.argv[1:], "--set", "Models.Preflight=false"]))
