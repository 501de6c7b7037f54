"""Servers in processes of their own; those that are not measured are stopped with SIGSTOP, and cost nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import family

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_OURS = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "platform")))}


@dataclass(frozen=True)
class Candidate:
    """A server that is measured.

    Attributes:
        name: in the table.
        command: starts it; PORT stands for the port.
        path: of the route.
        several: whether it wants a list of pictures.
        environment: beside that of this process.
    """

    name: str
    command: tuple[str, ...]
    path: str
    several: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def ours(name: str, folder: Path, *settings: str) -> Candidate:
    """Return the platform with the models of a folder."""
    folders = ("--graph", str(folder / "graph"), "--model", str(folder / "model"))
    values = tuple(word for value in ("Models.Preflight=false", *settings) for word in ("--set", value))
    words = ("-m", "serving", *folders, "--port", "PORT", "--grpc-port", "off", "--log-level", "warning", *values)
    return Candidate(name, (sys.executable, *words), "/captcha/v1", environment=_OURS)


def http_alone(*settings: str) -> Candidate:
    """Return our HTTP before a model that answers at once."""
    command = (sys.executable, "-m", "benchmarks.peers.answering", "PORT", *settings)
    return Candidate("ours, no model", command, "/captcha/v1", environment=_OURS)


def peers(binaries: Path, model: Path) -> list[Candidate]:
    """Return the peers of an environment, with the model in a folder."""
    environment = {"PEER_MODEL": str(model), "BENTOML_DO_NOT_TRACK": "true", "PYTHONPATH": str(HERE)}
    python = str(binaries / "python")
    bento = (str(binaries / "bentoml"), "serve", "bento_peer:Reader", "--host", "127.0.0.1", "--port", "PORT")
    return [
        Candidate("flask", (python, str(HERE / "flask_peer.py"), "PORT"), "/predict", environment=environment),
        Candidate("litserve", (python, str(HERE / "litserve_peer.py"), "PORT"), "/predict", environment=environment),
        Candidate("bentoml", bento, "/predict", several=True, environment=environment),
    ]


class Server:
    """A candidate that runs, paused.

    Args:
        candidate: what to start.
        log: file for what it prints.
        body: of a request that it answers with 200 once it is there.
    """

    def __init__(self, candidate: Candidate, log: Path, body: bytes) -> None:
        self.port = _free_port()
        self.candidate = candidate
        self.url = f"http://127.0.0.1:{self.port}{candidate.path}"
        words = [word.replace("PORT", str(self.port)) for word in candidate.command]
        environment = {**os.environ, **candidate.environment}
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                words,
                cwd=ROOT if candidate.path == "/captcha/v1" else HERE,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(body, log)
            self.pause()
        except BaseException:  # also of an interruption: nobody else could stop it yet
            self.stop()
            raise

    def pause(self) -> None:
        """Let it do nothing."""
        family.send(signal.SIGSTOP, self._members())

    def resume(self) -> None:
        """Let it work."""
        family.send(signal.SIGCONT, self._members())

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes."""
        return family.cpu_seconds(self._members())

    def stop(self) -> None:
        """End it."""
        members = self._members()
        family.send(signal.SIGTERM, members)
        family.send(signal.SIGCONT, members)  # one that is paused hears of its end only then
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        finally:
            family.send(signal.SIGKILL, members)  # also those that outlive the first one
        self._process.wait()

    def _members(self) -> family.Processes:
        return family.family(self._process.pid)

    def _wait(self, body: bytes, log: Path) -> None:
        until = time.monotonic() + 300
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10):
                    return
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise RuntimeError(f"{self.candidate.name} does not answer: see {log}") from error
                time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
