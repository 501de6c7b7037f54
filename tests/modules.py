"""Files of Python as modules: those that lie in no package, and those that are to be executed once more."""

import importlib.util
from pathlib import Path
from types import ModuleType

SCRIPTS = Path(__file__).parents[1] / "scripts"


def executed(path: Path) -> ModuleType:
    """Return what executing a file makes; nothing else will find it under its name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
