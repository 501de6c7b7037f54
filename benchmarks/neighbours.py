"""What a model notices of another one beside it: of a flood of requests, and of versions that are loaded."""

import argparse
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from fleet import InProcess, OverHttp, Service
from flood import CLOSED, UNANSWERED, Flood, Poured
from pressure import CLIENTS, capacity, judge, load, values
from releases import Artifacts, Release, drawn, exported, golden

import engine
from contract.spec import ModelSpec
from serving.load.samples import Sample, percentile
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
CROWD = 256  # connections: more than requests that may wait
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

    def release(self, number: int) -> Release:
        """Return it as version 1.`number`."""
        return Release.of(self.spec, self.graph, number, "guest.pb")

    def wait_for(self, service: Service, version: str) -> None:
        """Wait until a version answers."""
        until = time.monotonic() + 120
        with closing(service.sender()) as sender:
            while not (answer := sender.send(self.pictures[0])).text.startswith(f"{version} "):
                if time.monotonic() > until:
                    raise TimeoutError(f"guest {version} does not serve: {answer}")
                time.sleep(0.05)


def fairness(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Flood one model and ask another now and then, over HTTP: the flood from a process of its own."""
    quiet = Guest.random(SMALL)
    seconds = min(20.0, arguments.seconds)
    with Flood() as flood, closing(OverHttp(place, artifacts, values(arguments))) as service:
        quiet.release(0).publish(service.folder)
        quiet.wait_for(service, "1.0")
        most = FLOOD * capacity(service, artifacts.pictures, CLIENTS)
        rate = QUIET * capacity(service, quiet.pictures, CLIENTS)
        print(f"  the quiet model {rate:.1f} requests/s, the flooded one {most:.0f}/s", flush=True)
        pouring = flood.begin(service.url, artifacts.pictures, most, seconds, CROWD, after=seconds)
        samples = load(service, quiet.pictures, rate, 2 * seconds, CLIENTS)
        print_flood(pouring.get())
    solo, beside = ([sample for sample in samples if (sample.due >= seconds) is late] for late in (False, True))
    lost = errors(beside)
    for percent in (50, 99):
        alone, flooded = (percentile([s.total for s in part if not s.error], percent) for part in (solo, beside))
        ratio = flooded / alone
        print(f"  the quiet model's p{percent}: {1000 * alone:.1f} ms solo, {1000 * flooded:.1f} ms: {ratio:.2f} times")
    print(f"  {len(beside) - sum(lost.values())} of {len(beside)} requests for it answered {dict(lost) or ''}")
    judge("every request for the quiet model answered", met=not lost)
    judge("its p99 at most 3 times solo", met=ratio <= 3)


def print_flood(poured: Poured) -> None:
    """Print how fast a flood really came, and what became of it."""
    came = poured.outcomes.total()
    names = {CLOSED: "closed", UNANSWERED: "unanswered"}
    shares = ", ".join(f"{names.get(one, one)} {count / came:.0%}" for one, count in poured.outcomes.most_common())
    print(
        f"  the flood came at {came / poured.seconds:.0f} requests/s ({shares}); sent by {poured.worked:.2f} processors"
    )


def loader(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Load graphs of several sizes beside a model at half load."""
    guests = [Guest.random(network) for network in GRAPHS]
    seconds = min(18.0, arguments.seconds)
    with closing(InProcess(place, artifacts, values(arguments))) as service:
        rate = HALF * capacity(service, artifacts.pictures, CLIENTS)
        with Ticker() as ticker:
            samples = load(service, artifacts.pictures, rate, seconds)
        steady = p99(samples)
        print(f"  {rate:.0f} requests/s: p99 {steady:.1f} ms, longest stall {1000 * ticker.longest:.0f} ms", flush=True)
        lost, swaps, ratios = errors(samples), [], []
        for first, guest in enumerate(guests):
            releases = [guest.release(first * VERSIONS + number) for number in range(1, VERSIONS + 1)]
            with swapping(releases, service, seconds) as loaded, Ticker() as ticker:
                samples = load(service, artifacts.pictures, rate, seconds)
            lost += errors(samples)
            swaps.append(len(loaded))
            ratios.append(p99(samples) / steady)
            print(
                f"  {len(loaded)} swaps of {len(guest.graph) / 1e6:.1f} MB: p99 {p99(samples):.1f} ms, "
                f"{ratios[-1]:.2f} times; longest stall {1000 * ticker.longest:.0f} ms",
                flush=True,
            )
    print(f"  lost requests: {lost.total()} {dict(lost) or ''}")
    whole = not lost and all(count == VERSIONS for count in swaps)
    judge(
        f"{VERSIONS} swaps of each, nothing lost, p99 at most 2 times",
        met=whole and all(ratio <= 2 for ratio in ratios),  # which a ratio that is no number is not
    )


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


def errors(samples: Sequence[Sample]) -> Counter[str]:
    """Return why requests failed."""
    return Counter(sample.error for sample in samples if sample.error)


@contextmanager
def swapping(releases: Sequence[Release], service: InProcess, seconds: float) -> Iterator[list[str]]:
    """Publish versions in the background; yields a list of those that came to serve."""
    loaded: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=swap_on, args=(releases, service, seconds, loaded, stop))
    thread.start()
    try:
        yield loaded
    finally:
        stop.set()
        thread.join()


def swap_on(
    releases: Sequence[Release], service: InProcess, seconds: float, loaded: list[str], stop: threading.Event
) -> None:
    """Publish versions, each when the one before is active, at intervals that leave it time."""
    for release in releases:
        release.publish(service.folder)
        until = time.monotonic() + seconds / (len(releases) + 1)
        while not is_active(service, release.version) or time.monotonic() < until:
            if stop.wait(0.05):
                return
        loaded.append(release.version)


def is_active(service: InProcess, version: str) -> bool:
    """Tell whether the guest serves in this version."""
    return any((m.name, m.version, m.state) == ("guest", version, "active") for m in service.plane.models())
