"""The whole way, each command shown as it runs. Called by scripts/demo, or as `python scripts/demo.py`."""

import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from serving.answer import Hints
from serving.client import ClientError, GrpcClient, HttpClient, Patience

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "scripts/demo.yaml"
MODEL = "foundry-demo"
TRAINING, FRESH = Path("data/demo"), Path("data/demo-fresh")
LEAST_ACCURACY = 0.98

# Every request is tried once, so that a failed one shows.
ONCE = Patience(retries=0)

# Other models may lie beside the demo's that read pictures of the same size.
OURS = Hints(name=MODEL)


class DemoError(Exception):
    """Something did not come out as promised."""


def main() -> int:
    """Run the demo; 0 if everything came out as promised."""
    started = time.monotonic()
    try:
        make_pictures(TRAINING, 6000, seed=1)
        command("trainer", "verify", CONFIG)
        command("trainer", "train", CONFIG)
        make_pictures(FRESH, 200, seed=2)
        remove_published()
        with platform() as (http, grpc):
            command("trainer", "publish", CONFIG)
            wait_for_version(http, "1.0")
            ask(http, grpc)
            upgrade_under_load(http)
        accuracy()
    except (DemoError, ClientError) as error:
        print(f"\ndemo failed: {error}", file=sys.stderr)
        return 1
    print(f"\nDone in {(time.monotonic() - started) / 60:.1f} minutes.")
    return 0


def command(module: str, *arguments: str) -> str:
    """Show a command, run it, pass its output on, and return its standard output."""
    print(f"\n$ python -m {module} {shlex.join(arguments)}", flush=True)
    words = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        lines = []
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise DemoError(f"that command ended with exit code {process.returncode}")
    return "".join(lines)


def make_pictures(folder: Path, count: int, seed: int) -> None:
    """Generate pictures, unless they are there from an earlier run."""
    there = sum(1 for _ in folder.glob("*.png"))
    if there == count:
        print(f"\n{folder} holds {count:,} pictures from an earlier run.")
        return
    words = f"synth {folder.as_posix()} --count {count} --charset NUMERIC --length 4 --size 160x60 --seed {seed}"
    command("trainer", *words.split())


def remove_published() -> None:
    """Remove what an earlier run of this demo published, and nothing else."""
    for path in [*Path("platform/model").glob(f"{MODEL}_*.yaml"), *Path("platform/graph").glob(f"{MODEL}_*.pb")]:
        path.unlink()


@contextmanager
def platform() -> Iterator[tuple[str, str]]:
    """Run the platform; yields the addresses of HTTP and gRPC, then stops it and checks that it ended cleanly."""
    free = all(is_free(port) for port in (19951, 50054))
    arguments = [] if free else ["--port", "0", "--grpc-port", "0"]
    print(f"\n$ python -m serving {' '.join(arguments)}", flush=True)
    words = [sys.executable, "-m", "serving", *arguments]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield address(process, "http"), address(process, "grpc").removeprefix("grpc://")
        print("\nStopping the platform.")
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    finally:
        process.kill()
    if code != 0 and sys.platform != "win32":  # Windows has no polite signal: there it is always a kill
        raise DemoError(f"the platform ended with exit code {code}")


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def address(process: subprocess.Popen[str], scheme: str) -> str:
    """Read the platform's output up to the address of one transport."""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        found = re.search(rf"{scheme}://\S+", line)
        if found:
            return found.group()
    raise DemoError("the platform did not start")


def wait_for_version(url: str, version: str) -> None:
    """Wait until the platform serves a version of the demo's model."""
    deadline = time.monotonic() + 60
    with HttpClient(url, ONCE) as client:
        while time.monotonic() < deadline:
            if any(one.name == MODEL and one.version == version and one.state == "active" for one in client.models()):
                return
            time.sleep(0.1)
    raise DemoError(f"version {version} is not served after a minute")


def ask(http: str, grpc: str) -> None:
    """Read pictures that were never trained on over both transports, beside the truth."""
    pictures = sorted(FRESH.glob("*.png"))
    shown = random.Random(3).sample(pictures, 10)
    print("\nPictures never trained on (POST /captcha/v1 with base64, gRPC Predict.predict):")
    with HttpClient(http, ONCE) as web, GrpcClient(grpc, ONCE) as rpc:
        for number, path in enumerate(shown):
            name, client = ("HTTP", web) if number < 5 else ("gRPC", rpc)
            result = client.read(path.read_bytes(), OURS)
            mark = "" if result.text == truth(path) else "   <- wrong"
            source = f"{result.model} {result.version}"
            print(f"  {name}  truth {truth(path)}  read {result.text}  {result.confidence:.3f}  {source}{mark}")


@dataclass
class Load:
    """Requests that run while a version is published.

    Attributes:
        versions: how many answers each version gave.
        failures: what went wrong.
        right: answers equal to the truth.
    """

    versions: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    right: int = 0

    def run(self, url: str, stop: threading.Event) -> None:
        """Ask without pause until told to stop."""
        pictures = [(path.read_bytes(), truth(path)) for path in FRESH.glob("*.png")]
        with HttpClient(url, ONCE) as client:
            while not stop.is_set():
                content, label = random.choice(pictures)
                try:
                    result = client.read(content, OURS)
                except ClientError as error:
                    self.failures.append(str(error))
                else:
                    self.versions[result.version] += 1
                    self.right += result.text == label


def upgrade_under_load(url: str) -> None:
    """Publish version 2.0 while requests run, and count what happens to them."""
    print("\nPublishing the model as version 2.0 while 4 clients ask without pause.")
    stop = threading.Event()
    loads = [Load() for _ in range(4)]
    threads = [threading.Thread(target=load.run, args=(url, stop)) for load in loads]
    for thread in threads:
        thread.start()
    try:
        time.sleep(1)
        command("trainer", "publish", CONFIG, "--version", "2.0")
        wait_for_version(url, "2.0")
        time.sleep(1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    versions = sum((load.versions for load in loads), Counter[str]())
    failures = [failure for load in loads for failure in load.failures]
    right = sum(load.right for load in loads)
    share = ", ".join(f"{count:,} by version {version}" for version, count in sorted(versions.items()))
    print(f"{versions.total():,} requests answered ({share}), {right:,} of them right; {len(failures)} failed.")
    if failures or set(versions) != {"1.0", "2.0"}:
        raise DemoError(f"the upgrade was not seamless: {failures[:1] or dict(versions)}")


def accuracy() -> None:
    """Read the held-out pictures once more with the exported model, and hold the result against the promise."""
    output = command("trainer", "evaluate", CONFIG)
    found = re.search(r"([\d.]+)% of ([\d,]+) whole texts", output)
    if not found:
        raise DemoError("no accuracy was printed")
    if float(found[1]) / 100 < LEAST_ACCURACY:
        raise DemoError(f"{found[1]}% is less than the promised {LEAST_ACCURACY:.0%}")


def truth(path: Path) -> str:
    """Return the label that a picture's name carries."""
    return path.name.partition("_")[0]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
