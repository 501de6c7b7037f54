"""The two programs as a user runs them: in processes of their own, over real sockets."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.client import HttpClient, Patience

ONCE = Patience(seconds=30, retries=0)  # a failed request must show


def environment() -> dict[str, str]:
    """The environment in which both programs are found from any folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "COLUMNS": "200"}


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `python -m WORDS` in a folder and hold its exit code against the expected one."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == code, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


@dataclass
class Platform:
    """A running platform.

    Attributes:
        process: of it.
        http: its URL.
        grpc: its address.
        folder: holds graph/ and model/.
        told_to_stop: whether `stop` was called.
    """

    process: subprocess.Popen[str]
    http: str
    grpc: str
    folder: Path
    told_to_stop: bool = False

    def stop(self) -> None:
        """Tell it to stop, politely; a second telling would end it at once."""
        if not self.told_to_stop:
            self.told_to_stop = True
            self.process.send_signal(signal.SIGTERM)

    def active(self) -> set[tuple[str, str]]:
        """Name and version of what it serves."""
        with HttpClient(self.http, ONCE) as client:
            return {(one.name, one.version) for one in client.models() if one.state == "active"}

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for a condition; fail with what the platform serves and knows."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                with HttpClient(self.http, ONCE) as client:
                    raise AssertionError(f"still not so after {seconds} s: {client.models()}")
            time.sleep(0.05)

    def wait_for(self, *models: tuple[str, str]) -> None:
        """Wait until exactly these names and versions are served."""
        self.wait_until(lambda: self.active() == set(models))


@contextmanager
def platform(folder: Path, flags: Sequence[str] = ()) -> Iterator[Platform]:
    """Run a platform on free ports; at the end it must stop cleanly."""
    for name in ("graph", "model"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    flags = ["--graph", str(folder / "graph"), "--model", str(folder / "model"), "--scan-seconds", "0.2", *flags]
    command = [sys.executable, "-m", "serving", "--port", "0", "--grpc-port", "0", *flags]
    log = (folder / "log.txt").open("w+", encoding="utf-8")
    with log, subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            http, grpc = (_address(process, log.name) for _ in range(2))
            running = Platform(process, http, grpc.removeprefix("grpc://"), folder)
            yield running
            running.stop()
            assert process.wait(60) == 0, Path(log.name).read_text("utf-8")
        finally:
            process.kill()


def _address(process: subprocess.Popen[str], log: str) -> str:
    for line in process.stdout or ():
        found = re.search(r"(http|grpc)://\S+", line)
        if found:
            return found.group()
    raise AssertionError(f"the platform did not start:\n{Path(log).read_text('utf-8')}")
