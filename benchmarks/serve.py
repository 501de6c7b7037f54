"""What the platform promises under load, as ratios: swaps, batches, memory, overload.

    python benchmarks/serve.py [swaps] [batching] [memory] [overload] [fairness] [loader] [--over http]
        [--artifact FOLDER] [--seconds 60] [--set Batching.Workers=2 --set Batching.Threads=throughput]

swaps     answers while 30 versions take over from each other within `--seconds`, at 70 % of what the service can do,
          against the same load without swaps: 99th percentiles, lost requests, answers of the wrong version; in three
          turns of each
batching  pictures a second of 32 clients with batches of up to 32, against one picture at a time on all cores, and
          against one on each core; in turns, the median of three
memory    resident memory after `--swaps` swaps against that after 20
overload  5 times what the service can do: how quickly is a request refused, and how much is still answered, against
          what 64 clients get, alone and beside senders that are as busy and send to nobody
fairness  99th percentile of a model at 5 % of what it can do, beside another at 10 times of what that can do, against
          the same load with the other at rest
loader    99th percentile at 50 % load while graphs of 0.5, 6 and 53 MB take over from each other beside it, against
          none doing so; and the longest time for which no Python thread got a turn

The model is a CNN5-H64 for 150x50 pictures with random weights, or the one in FOLDER/model and FOLDER/graph. In this
process unless `--over http`; `memory` and `loader` always, `fairness` never. Each part takes two minutes or three.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from fleet import InProcess, Service
from neighbours import fairness, loader
from overload import overload
from pressure import CLIENTS, capacity, judge, load, started, values
from releases import Artifacts, Release

from serving.load.samples import Sample, percentile

SHARE = 0.7  # of the capacity
SWAPS = 30
ROUNDS = 3  # of a comparison: what is compared takes turns, since machines are now faster, now slower
FEW = 20  # swaps, after which memory is looked at first


# The first is how a session runs by itself: a batch of 1 on all cores, and the next one after it.
LAYOUTS = {
    "one picture at a time, on all cores": {
        "Batching.MaxBatch": "1",
        "Batching.Workers": "1",
        "Batching.Threads": "latency",
    },
    "one picture on each core": {"Batching.MaxBatch": "1", "Batching.Threads": "throughput"},
    "up to 32 pictures on each core": {"Batching.MaxBatch": "32", "Batching.Threads": "throughput"},
}


def main() -> None:
    """Run the parts that are asked for, all of them by default."""
    parts = {"swaps": swaps, "batching": batching, "memory": memory, "overload": overload}
    parts |= {"fairness": fairness, "loader": loader}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="default: all")
    parser.add_argument("--over", choices=["process", "http"], default="process")
    parser.add_argument("--artifact", type=Path, metavar="FOLDER", help="holds graph/ and model/ with one model")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the load with swaps, and of that without")
    parser.add_argument("--swaps", type=int, default=500, help=f"of the part `memory`: more than {FEW}")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="of the platform's settings")
    arguments = parser.parse_args()
    if arguments.swaps <= FEW:
        parser.error(f"--swaps {arguments.swaps}: memory is compared with that after {FEW} swaps; ask for more of them")
    artifacts = Artifacts.read(arguments.artifact) if arguments.artifact else Artifacts.random()
    for name in arguments.parts or parts:
        print(f"{name}:", flush=True)
        with tempfile.TemporaryDirectory() as place:
            parts[name](artifacts, Path(place), arguments)


def swaps(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Compare latencies with and without swaps."""
    part, each = arguments.seconds / ROUNDS, SWAPS // ROUNDS
    releases = [artifacts.release(number) for number in range(1, SWAPS + 1)]
    steady: list[Sample] = []
    during: list[Sample] = []
    with closing(started(artifacts, place, arguments)) as service:
        rate = SHARE * capacity(service, artifacts.pictures, CLIENTS)
        print(f"  {rate:.0f} requests/s, {SHARE:.0%} of what {CLIENTS} clients get", flush=True)
        for first in range(0, SWAPS, each):
            steady += load(service, artifacts.pictures, rate, part)
            during += beside_swaps(service, artifacts.pictures, releases[first : first + each], rate, part)
    lost = Counter(sample.error for sample in [*steady, *during] if sample.error)
    answers = [(sample.index, *sample.text.partition(" ")[::2]) for sample in during if not sample.error]
    mixed = [answer for answer in answers if not artifacts.agree(*answer)]
    swapped = len({version for _, version, _ in answers}) - 1
    print(f"  {swapped} of {SWAPS} swaps seen in {len(answers):,} answers")
    print(f"  lost requests: {sum(lost.values())} {dict(lost) or ''}; answers of another version: {len(mixed)}")
    ratio = 0.0
    for percent in (50, 99):
        before, after = (percentile([s.total for s in samples], percent) for samples in (steady, during))
        ratio = after / before
        print(f"  p{percent}: {1000 * before:.1f} ms steady, {1000 * after:.1f} ms with swaps: {ratio:.2f} times")
    met = swapped == SWAPS and not lost and not mixed and ratio <= 2
    judge(f"{SWAPS} swaps, nothing lost, nothing of another version, p99 at most 2 times", met=met)


def beside_swaps(
    service: Service, pictures: Sequence[bytes], releases: Sequence[Release], rate: float, seconds: float
) -> list[Sample]:
    """Put a load on the service while some versions take over from each other."""
    stop = threading.Event()
    publishing = threading.Thread(target=publish_on, args=(service, releases, seconds, stop))
    publishing.start()
    try:
        return load(service, pictures, rate, seconds)
    finally:
        stop.set()
        publishing.join()


def batching(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Compare batches of up to 32 with single pictures, one at a time and on each core."""
    rates: dict[str, list[float]] = {name: [] for name in LAYOUTS}
    for turn in range(ROUNDS):
        for name, layout in LAYOUTS.items():
            with closing(started(artifacts, place / f"{turn} {name}", arguments, layout)) as service:
                rates[name].append(capacity(service, artifacts.pictures, CLIENTS, 8.0))
    for name, found in rates.items():
        print(f"  {name}: {', '.join(f'{rate:.0f}' for rate in found)} answers/s")
    alone, apart, together = rates.values()
    ratio = statistics.median(b / a for a, b in zip(alone, together, strict=True))
    print(f"  median {ratio:.2f} times as many as one picture at a time")
    rest = statistics.median(b / a for a, b in zip(apart, together, strict=True))
    print(f"  median {rest:.2f} times as many as one picture on each core, which fills the cores already")
    judge("at least 1.5 times as many as one picture at a time", met=ratio >= 1.5)


def memory(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Compare resident memory after few and after many swaps."""
    quick = {"Models.Preflight": "false", "Batching.MaxBatch": "8", "Folders.ScanSeconds": "0.02"}
    with closing(InProcess(place / "memory", artifacts, {**quick, **values(arguments)})) as service:
        first = 0.0
        for number in range(1, arguments.swaps + 1):
            service.swap(number)
            service.read(artifacts.pictures[number % len(artifacts.pictures)])
            if number == FEW:
                first = service.resident()
            if number % 100 == 0 or number in {FEW, arguments.swaps}:
                print(f"  after {number} swaps: {service.resident():.0f} MB", flush=True)
        last = service.resident()
    print(f"  {last - first:+.0f} MB, {last / first:.3f} times")
    judge("at most 50 MB or 5 % more", met=last - first <= max(50.0, 0.05 * first))


def publish_on(service: Service, releases: Sequence[Release], seconds: float, stop: threading.Event) -> None:
    """Publish versions at even intervals, none before the last one serves: a newer one would take its place."""
    began = time.monotonic()
    for number, release in enumerate(releases, start=1):
        release.publish(service.folder)
        due = began + number * seconds / (len(releases) + 1)  # the last one needs time to take over, too
        while time.monotonic() < due or service.active() != release.version:
            if stop.wait(0.05):
                return


if __name__ == "__main__":
    main()
