import base64
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from serving.cli.root import main
from tests.serving.rig import Shop, eventually, picture

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal that it can catch")


class Running:
    """The service in a process of its own, with the fake engine unless another module is named."""

    def __init__(self, shop: Shop, *flags: str, module: str = "tests.serving.fake_daemon") -> None:
        folders = ["--graph", str(shop.graph), "--model", str(shop.model), "--scan-seconds", "0.1"]
        # Any free ports: tests of other processes have the usual ones.
        command = [sys.executable, "-m", module, *folders, "--port", "0", "--grpc-port", "0", *flags]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addresses: list[str] = []
        assert self.process.stdout
        while len(self.addresses) < (1 if "off" in flags else 2):
            line = self.process.stdout.readline()
            assert line.startswith("listening on "), self.process.communicate()[1]
            self.addresses.append(line.split()[-1])
        self.url = self.addresses[0]

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=10)

    def ask(self, gray: int) -> requests.Response:
        body = {"image": base64.b64encode(picture(gray)).decode()}
        return requests.post(f"{self.url}/captcha/v1", json=body, timeout=20)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.log = self.process.communicate(timeout=30)[1]
        return self.process.returncode


@pytest.fixture
def run(shop: Shop) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*flags: str) -> Running:
        started.append(Running(shop, *flags))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.communicate(timeout=10)


@POSIX
def test_it_listens_loads_answers_and_ends(run: Callable[..., Running], shop: Shop) -> None:
    running = run()
    assert running.addresses[0].startswith("http://127.0.0.1:")
    assert running.addresses[1].startswith("grpc://127.0.0.1:")
    assert running.get("/v2/health/live").status_code == 200
    assert running.get("/v2/health/ready").status_code == 503
    shop.publish()
    eventually(lambda: running.get("/v2/health/ready").status_code == 200)
    assert running.ask(5).json()["message"] == "digits1.0-5"
    assert running.end() == 0
    assert "digits 1.0: active after" in running.log
    assert "Traceback" not in running.log


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_was_accepted(run: Callable[..., Running], shop: Shop, number: signal.Signals) -> None:
    shop.publish(delay=0.5)
    running = run("--grpc-port", "off", "--max-batch", "1")
    eventually(lambda: running.get("/v2/health/ready").status_code == 200, seconds=30)
    answers: list[requests.Response] = []
    askers = [threading.Thread(target=lambda gray=gray: answers.append(running.ask(gray))) for gray in range(4)]
    for asker in askers:
        asker.start()
    eventually(lambda: _connections(running.url) == 4)
    running.get("/v2/health/live")  # answered in turn, so the four before it have been accepted
    assert running.end(number) == 0
    for asker in askers:
        asker.join(10)
    assert sorted(answer.json()["message"] for answer in answers) == [f"digits1.0-{gray}" for gray in range(4)]


def _connections(url: str) -> int:
    """Return how many established connections to the server the kernel shows."""
    port = f"{int(url.rsplit(':', 1)[1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(f":{port}") and line.split()[3] == "01" for line in lines)


@POSIX
def test_signals_count_as_soon_as_it_says_that_it_listens(run: Callable[..., Running]) -> None:
    running = run("--grpc-port", "off")
    running.process.send_signal(signal.SIGHUP)
    assert running.end() == 0


@POSIX
def test_a_second_signal_ends_at_once(run: Callable[..., Running], shop: Shop) -> None:
    shop.publish()
    running = run("--grpc-port", "off", "--set", "Operation.DrainDelaySeconds=60")
    eventually(lambda: running.get("/v2/health/ready").status_code == 200)
    running.process.send_signal(signal.SIGTERM)
    eventually(lambda: running.get("/v2/health/ready").status_code == 503)
    assert running.get("/v2/health/live").status_code == 200
    assert running.end() == 1


@POSIX
def test_sighup_looks_at_the_folders_now(run: Callable[..., Running], shop: Shop) -> None:
    shop.publish(version="1.0")
    running = run("--grpc-port", "off", "--scan-seconds", "3600")
    eventually(lambda: running.get("/v2/health/ready").status_code == 200)
    shop.publish(version="2.0")
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: running.ask(1).json()["version"] == "2.0")
    assert running.end() == 0


def test_a_busy_port_is_a_sentence(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["--graph", str(shop.graph), "--model", str(shop.model), "--port", port]) == 1
    error = capfd.readouterr().err
    assert f"port {port} on 127.0.0.1 is in use" in error
    assert "Traceback" not in error


def test_missing_folders_are_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--graph", str(tmp_path / "no"), "--model", str(tmp_path / "nor")]) == 2
    error = capsys.readouterr().err
    assert f"--graph {tmp_path / 'no'}: there is no such folder" in error
    assert f"--model {tmp_path / 'nor'}: there is no such folder" in error


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["--show-config"]])
def test_help_needs_no_framework(words: list[str]) -> None:
    code = (
        "import sys\nfrom serving.cli.root import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('tensorflow', 'keras', 'flask', 'grpc') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "[]"


def test_check_proves_each_version(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.serving.fake_engine import FakeEngine  # noqa: PLC0415

    monkeypatch.setattr("engine.open_model", FakeEngine())
    words = ["check", "--graph", str(shop.graph), "--model", str(shop.model), "--set", "Models.Preflight=false"]
    shop.publish("good")
    assert main(words) == 0
    shop.publish("bad", golden="otherwise")
    (shop.model / "worse.yaml").write_text("Schema: 2")
    assert main(words) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "good good.yaml: good 1.0" in lines
    assert any(line.startswith("BAD  bad.yaml: bad 1.0: golden pictures are misread") for line in lines)
    assert any(line.startswith("BAD  worse.yaml: worse: rejected") for line in lines)
