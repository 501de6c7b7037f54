"""The folder named `platform` hides nothing of the standard library, and the contract stays light."""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def fresh_python(code: str) -> str:
    """What a new interpreter prints that was started in the root of the project, with the root on its path."""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return result.stdout.strip()


def test_platform_is_the_module_of_the_standard_library() -> None:
    found = fresh_python("import platform; platform.system(); print(platform.__file__)")
    assert Path(found) == Path(sysconfig.get_path("stdlib"), "platform.py")


def test_the_folder_is_no_package() -> None:
    assert (ROOT / "platform" / "contract").is_dir()
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_the_contract_imports_no_framework() -> None:
    modules = [f"contract.{path.stem}" for path in (ROOT / "platform" / "contract").glob("[!_]*.py")]
    loaded = fresh_python(
        f"import sys; sys.path.insert(0, 'platform'); import {', '.join(modules)}; print(*sys.modules, sep=',')"
    ).split(",")
    assert "contract.spec" in loaded
    assert {"tensorflow", "keras", "flask", "grpc", "rich", "trainer", "serving", "engine"}.isdisjoint(loaded)
