"""Loads on a running service that several benchmarks put on it, and what they print of a target."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from fleet import InProcess, OverHttp, Service
from releases import Artifacts

from serving.load.run import Picture, run
from serving.load.samples import Sample, arrivals
from serving.load.senders import Outcome, Sender

CLIENTS = 32


class Nobody:
    """Takes requests and does nothing: what is left is the cost of sending."""

    def send(self, _picture: bytes, /) -> Outcome:
        """Do nothing."""
        return Outcome(error="nobody there")

    def close(self) -> None:
        """Do nothing."""


def judge(target: str, *, met: bool) -> None:
    """Print what became of a target."""
    print(f"  {'met' if met else 'MISSED'}: {target}", flush=True)


def started(
    artifacts: Artifacts, place: Path, arguments: argparse.Namespace, more: Mapping[str, str] | None = None
) -> Service:
    """Start the service with the first version, and with more settings than were asked for."""
    chosen = {**values(arguments), **(more or {})}
    return (OverHttp if arguments.over == "http" else InProcess)(place, artifacts, chosen)


def values(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the settings that were asked for."""
    return dict(word.split("=", 1) for word in arguments.set)


def load(service: Service, contents: Sequence[bytes], rate: float, seconds: float, crowd: int = 128) -> list[Sample]:
    """Put an open-loop load on the service, with so many senders."""
    pictures = [Picture(content) for content in contents]
    return send_all(arrivals(rate, seconds, seed=0), pictures, service.sender, crowd)


def send_all(
    due: Sequence[float], pictures: Sequence[Picture], connect: Callable[[], Sender], crowd: int
) -> list[Sample]:
    """Send everything that is due, by so many senders.

    Raises:
        RuntimeError: a sender died on the way: its requests are missing.
    """
    samples = run(due, pictures, [connect] * crowd)
    if len(samples) != len(due):
        raise RuntimeError(f"of {len(due)} requests {len(due) - len(samples)} are missing: senders died, see above")
    return samples


def capacity(service: Service, pictures: Sequence[bytes], clients: int, seconds: float = 5.0) -> float:
    """Return how many answers a second so many clients get that ask again at once."""
    until = time.monotonic() + seconds

    def ask_on() -> int:
        count = 0
        with closing(service.sender()) as sender:
            while time.monotonic() < until:
                count += not sender.send(pictures[count % len(pictures)]).error
        return count

    with ThreadPoolExecutor(clients) as crowd:  # raises what a client died of
        return sum(asking.result() for asking in [crowd.submit(ask_on) for _ in range(clients)]) / seconds
