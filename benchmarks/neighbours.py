"""What a model notices of another one beside it: of a flood of requests, and of versions that are loaded."""

import argparse
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from fleet import Artifacts, InProcess, Service, drawn, exported, golden
from pressure import CLIENTS, Nobody, capacity, judge, load, send_all, started, values

import engine
from contract.files import write_atomically
from contract.spec import ModelSpec, dump
from serving.load.run import Picture
from serving.load.samples import Sample, arrivals, percentile
from trainer.config import TrainConfig

SIZE = (120, 40)
PICTURES = 16
SMALL: Mapping[str, object] = {"CNNNetwork": "CNN5", "HiddenNum": 16}
TINY: Mapping[str, object] = {
    "CNNNetwork": "VGG",
    "VGG": {"Blocks": [{"Filters": [32, 32]}, {"Filters": [64]}, {"Filters": [64], "Pool": [1, 2]}]},
    "HiddenNum": 24,
}
WIDE: Mapping[str, object] = {"CNNNetwork": "CNN5", "HiddenNum": 1200}
GRAPHS = (TINY, {"CNNNetwork": "DenseNet"}, WIDE)
VERSIONS = 4  # of each graph
FLOOD = 10
QUIET = 0.05
HALF = 0.5
TICK = 0.002  # seconds


@dataclass(frozen=True)
class Guest:
    """A model of another name and size than the one under test.

    Attributes:
        spec: its description.
        graph: the bytes of its .pb.
        pictures: that only it reads.
    """

    spec: ModelSpec
    graph: bytes
    pictures: list[bytes]

    @classmethod
    def random(cls, network: Mapping[str, object]) -> "Guest":
        """Build a network with random weights."""
        width, height = SIZE
        model = {"ModelName": "guest", "CharSet": "NUMERIC", "ImageWidth": width, "ImageHeight": height}
        tree = {"System": {"TrainsPath": "nowhere"}, "NeuralNet": network, "Model": model}
        with get_context("spawn").Pool(1) as child:  # keras stays out of the process that is measured
            spec, graph = child.apply(exported, (TrainConfig.model_validate(tree), 0))
        pictures = [drawn(seed, SIZE) for seed in range(PICTURES)]
        recognizer = engine.open_model(spec, graph)
        texts = [reading.text for reading in recognizer.read(pictures)]
        recognizer.close()
        return cls(spec.model_copy(update={"Golden": golden(pictures, texts)}), graph, pictures)

    def publish(self, folder: Path, number: int) -> str:
        """Publish it as version 1.`number`, and return the version."""
        version = f"1.{number}"
        model = self.spec.Model.model_copy(update={"Version": version})
        file = self.spec.Graph.model_copy(update={"File": "guest.pb"})
        write_atomically(folder / "graph" / file.File, self.graph)
        spec = self.spec.model_copy(update={"Model": model, "Graph": file})
        write_atomically(folder / "model" / "guest.yaml", dump(spec))
        return version

    def wait_for(self, service: Service, version: str) -> None:
        """Wait until a version answers."""
        until = time.monotonic() + 120
        with closing(service.sender()) as sender:
            while not (answer := sender.send(self.pictures[0])).text.startswith(f"{version} "):
                if time.monotonic() > until:
                    raise TimeoutError(f"guest {version} does not serve: {answer}")
                time.sleep(0.05)


def fairness(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Flood one model and ask another now and then.

    The flood's senders take processor time from the service, which in earnest they do elsewhere; so the quiet model is
    also measured beside senders that are as many and as busy, and send to nobody.
    """
    quiet = Guest.random(SMALL)
    seconds, crowd = min(20.0, arguments.seconds), 256
    with closing(started(artifacts, place, arguments)) as service:
        quiet.wait_for(service, quiet.publish(service.folder, 0))
        flood = FLOOD * capacity(service, artifacts.pictures, CLIENTS)
        rate = QUIET * capacity(service, quiet.pictures, CLIENTS)
        due = arrivals(flood, seconds, seed=1)
        pictures = [Picture(content) for content in artifacts.pictures]
        print(f"  the quiet model {rate:.1f} requests/s, the flooded one {flood:.0f}/s", flush=True)
        solo = load(service, quiet.pictures, rate, seconds, CLIENTS)
        times: list[list[Sample]] = []
        floods: list[list[Sample]] = []
        with ThreadPoolExecutor(1) as aside:
            for sender in (Nobody, service.sender):
                flooding = aside.submit(send_all, due, pictures, sender, crowd)
                times.append(load(service, quiet.pictures, rate, seconds, CLIENTS))
                floods.append(flooding.result())
    idle, beside = times
    print_flood(floods[1])
    lost = Counter(sample.error for sample in beside if sample.error)
    alone, nobody, flooded = (p99(samples) for samples in (solo, idle, beside))
    print(f"  the quiet model's p99: {alone:.1f} ms solo, {nobody:.1f} ms beside senders to nobody, {flooded:.1f} ms")
    expected = len(arrivals(rate, seconds, seed=0))
    answered = len(beside) - sum(lost.values())
    print(f"  {flooded / alone:.2f} times solo; {answered} of {expected} requests answered {dict(lost) or ''}")
    judge("every request for the quiet model answered", met=answered == expected)
    judge("its p99 at most 3 times solo", met=flooded <= 3 * alone)


def print_flood(samples: Sequence[Sample]) -> None:
    """Print how fast a flood really came, and what became of it."""
    errors = Counter(sample.error for sample in samples if sample.error)
    rate = len(samples) / max(sample.done for sample in samples)
    share = sum(errors.values()) / len(samples)
    print(f"  the flood came at {rate:.0f} requests/s; {share:.0%} of it was refused or failed {dict(errors) or ''}")


def loader(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Load graphs of several sizes beside a model at half load."""
    guests = [Guest.random(network) for network in GRAPHS]
    seconds = min(18.0, arguments.seconds)
    with closing(InProcess(place, artifacts, values(arguments))) as service:
        rate = HALF * capacity(service, artifacts.pictures, CLIENTS)
        with Ticker() as ticker:
            steady = p99(load(service, artifacts.pictures, rate, seconds))
        print(f"  {rate:.0f} requests/s: p99 {steady:.1f} ms, longest stall {1000 * ticker.longest:.0f} ms", flush=True)
        worst = 0.0
        for first, guest in enumerate(guests):
            loaded: list[str] = []
            stop = threading.Event()
            swapping = threading.Thread(target=swap_on, args=(guest, service, first * VERSIONS, seconds, loaded, stop))
            swapping.start()
            with Ticker() as ticker:
                during = p99(load(service, artifacts.pictures, rate, seconds))
            stop.set()
            swapping.join()
            worst = max(worst, during / steady)
            print(
                f"  {len(loaded)} swaps of {len(guest.graph) / 1e6:.1f} MB: p99 {during:.1f} ms, {during / steady:.2f} "
                f"times; longest stall {1000 * ticker.longest:.0f} ms",
                flush=True,
            )
    judge("p99 at most 2 times", met=worst <= 2)


class Ticker:
    """A Python thread that wakes again and again.

    Attributes:
        longest: seconds for which it got no turn.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def __enter__(self) -> "Ticker":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _tick(self) -> None:
        before = time.perf_counter()
        while not self._over.is_set():
            time.sleep(TICK)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before - TICK)
            before = now


def p99(samples: Sequence[Sample]) -> float:
    """Return the 99th percentile of the times of what was answered, in milliseconds."""
    return 1000 * percentile([sample.total for sample in samples if not sample.error], 99)


def swap_on(
    guest: Guest, service: InProcess, last: int, seconds: float, loaded: list[str], stop: threading.Event
) -> None:
    """Publish versions after number `last`, each when the one before is active, at intervals that leave it time."""
    for number in range(last + 1, last + VERSIONS + 1):
        version = guest.publish(service.folder, number)
        until = time.monotonic() + seconds / (VERSIONS + 1)
        while not is_active(service, version) or time.monotonic() < until:
            if stop.wait(0.05):
                return
        loaded.append(version)


def is_active(service: InProcess, version: str) -> bool:
    """Tell whether the guest serves in this version."""
    return any((m.name, m.version, m.state) == ("guest", version, "active") for m in service.plane.models())
