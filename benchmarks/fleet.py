"""The service under test, in this process or in one of its own."""

import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from releases import Artifacts

import engine
from engine.preflight import Preflight
from serving.answer import Answer, Hints
from serving.cli.serve import SWITCH_SECONDS
from serving.client import ClientError, HttpClient, Patience
from serving.daemon import assemble
from serving.errors import ServingError
from serving.events import Events
from serving.load.senders import Outcome, Sender
from serving.settings import load

READY_SECONDS = 300


class Service(Protocol):
    """A running service; its senders answer "version text"."""

    folder: Path

    def active(self) -> str:
        """Return the version that serves; empty if none does."""

    def sender(self) -> Sender:
        """Return a sender for one client."""

    def close(self) -> None:
        """Stop it."""


class InProcess:
    """The data plane and the loader of this process, without transports."""

    def __init__(self, folder: Path, artifacts: Artifacts, values: Mapping[str, str]) -> None:
        self.folder = folder
        self._artifacts = artifacts
        self._publish_first()
        folders = {"Folders.Graph": str(folder / "graph"), "Folders.Model": str(folder / "model")}
        settings = load(None, {}, [*folders.items(), *values.items()])
        trial = Preflight(settings.Models.trial) if settings.Models.Preflight else None
        self.plane, self.lifecycle = assemble(settings, engine.open_model, try_model=trial)
        sys.setswitchinterval(SWITCH_SECONDS)  # this and the events as the command has them
        self._events = Events([folder / "graph", folder / "model"], self.lifecycle.wake)
        self._events.__enter__()
        self.lifecycle.start()
        self._wait_for("1.0")

    def _publish_first(self) -> None:
        for name in ("graph", "model"):
            (self.folder / name).mkdir(parents=True)
        self._artifacts.release(0).publish(self.folder)

    def swap(self, number: int) -> None:
        """Publish a version and wait until it serves and the one before is gone."""
        release = self._artifacts.release(number)
        release.publish(self.folder)
        self._wait_for(release.version)

    def _wait_for(self, version: str) -> None:
        until = time.monotonic() + READY_SECONDS
        while [m.version for m in self.plane.models() if m.state in {"active", "draining", "standby"}] != [version]:
            if time.monotonic() > until:
                raise TimeoutError(f"{version} does not serve: {self.plane.models()}")
            time.sleep(0.005)

    def active(self) -> str:
        """Return the version that serves; empty if none does."""
        return next((model.version for model in self.plane.models() if model.state == "active"), "")

    def read(self, picture: bytes) -> Answer:
        """Read one picture."""
        (answer,) = self.plane.recognize([picture], Hints())
        if answer.error:
            raise answer.error
        return answer

    def sender(self) -> Sender:
        """Return a sender for one client."""
        return _Direct(self)

    def resident(self) -> float:
        """Return the resident memory of this process in MB."""
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * 4096 / 2**20

    def close(self) -> None:
        """Stop it."""
        self._events.__exit__(None, None, None)
        self.lifecycle.stop(30)


class OverHttp:
    """`python -m serving` in a process of its own.

    Attributes:
        url: where it answers.
    """

    def __init__(self, folder: Path, artifacts: Artifacts, values: Mapping[str, str]) -> None:
        self.folder = folder
        for name in ("graph", "model"):
            (folder / name).mkdir(parents=True)
        artifacts.release(0).publish(folder)
        words = ["--graph", str(folder / "graph"), "--model", str(folder / "model"), "--port", "0"]
        words += [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
        command = [sys.executable, "-m", "serving", *words, "--grpc-port", "off", "--log-level", "warning"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            self.url = self._told_address()
            self._wait_until_ready()
        except BaseException:  # also of an interruption: nobody else could stop it yet
            self.close()
            raise

    def _told_address(self) -> str:
        assert self._process.stdout
        told, _, _ = select.select([self._process.stdout], [], [], READY_SECONDS)
        words = self._process.stdout.readline().split() if told else []
        if not words:
            raise RuntimeError(f"the service ended, or told no address in {READY_SECONDS} s: what it said stands above")
        return words[-1]

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        with self._client() as client:
            while not client.ready():
                if self._process.poll() is not None:
                    raise RuntimeError(f"the service ended with exit code {self._process.returncode}: see above")
                if time.monotonic() > until:
                    raise TimeoutError(f"the service is not ready after {READY_SECONDS} s")
                time.sleep(0.05)

    def active(self) -> str:
        """Return the version that serves; empty if none does."""
        with self._client() as client:
            return next((model.version for model in client.models() if model.state == "active"), "")

    def _client(self) -> HttpClient:
        return HttpClient(self.url, Patience(seconds=30, retries=0))

    def sender(self) -> Sender:
        """Return a sender for one client, with a connection of its own."""
        return _Web(HttpClient(self.url, Patience(seconds=60, retries=0)))

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=60)
        finally:
            self._process.kill()  # does nothing to one that has ended


class _Direct:
    def __init__(self, service: InProcess) -> None:
        self._service = service

    def send(self, picture: bytes) -> Outcome:
        try:
            answer = self._service.read(picture)
        except ServingError as error:
            return Outcome(error=type(error).__name__)
        return Outcome(f"{answer.version} {answer.text}")

    def close(self) -> None:
        pass


class _Web:
    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def send(self, picture: bytes) -> Outcome:
        try:
            result = self._client.read(picture)
        except ClientError as error:
            return Outcome(error=f"{type(error).__name__} {getattr(error, 'status', '')}".strip())
        return Outcome(f"{result.version} {result.text}")

    def close(self) -> None:
        self._client.close()
