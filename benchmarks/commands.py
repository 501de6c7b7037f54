"""The trainer's commands, called as a user calls them, for the benchmarks that train."""

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def trainer(work: Path, *arguments: str) -> None:
    """Run a command of the trainer in the work folder; what it says is seen."""
    print("$ python -m trainer", *arguments, flush=True)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
    subprocess.run([sys.executable, "-m", "trainer", *arguments], cwd=work, env=environment, check=True)


def machine() -> str:
    """Return what computes: cores and what is known of the processor."""
    flags = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    extra = " with AVX512-BF16" if "avx512_bf16" in flags else ""
    return f"{os.cpu_count()} cores{extra}, {platform.machine()}"
