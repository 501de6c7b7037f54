"""What becomes of five times as many requests as can be answered."""

import argparse
import threading
import time
from collections import Counter
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

from fleet import InProcess, OverHttp
from flood import Flood, Poured
from pressure import Nobody, capacity, judge, send_all, values
from releases import Artifacts

from serving.load.run import Picture
from serving.load.samples import arrivals, percentile

OVERLOAD = 5
CLIENTS = 64  # that get the peak
SENDERS = 256
CONNECTIONS = 450  # over HTTP: three times as many as requests that may be in work, less than may be open
MOMENT = 0.002  # seconds
ENDLESS = 10_000  # a second: more than can be sent
DONE, BUSY = 200, 503
WANTED = "refused within 50 ms at p99, at least 0.9 of the peak beside such senders answered, nothing else"


def overload(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Offer more than can be answered."""
    (over_http if arguments.over == "http" else in_process)(artifacts, place, arguments)


def over_http(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Offer more than can be answered, from a process of its own that does little else than send.

    What even that takes from the service, in earnest it takes elsewhere: so the peak is also measured beside a process
    that is as busy, and sends nothing.
    """
    seconds = min(20.0, arguments.seconds)
    with Flood() as flood, closing(OverHttp(place, artifacts, values(arguments))) as service:

        def pour(rate: float, connections: int) -> Poured:
            return flood.begin(service.url, artifacts.pictures, rate, seconds, connections, after=0).get()

        pour(ENDLESS, CLIENTS)
        peak = pour(ENDLESS, CLIENTS)
        most = peak.answers[DONE] / peak.seconds
        poured = pour(OVERLOAD * most, CONNECTIONS)
        with get_context("spawn").Pool(1) as idle:
            idle.apply_async(be_busy, (max(0.0, poured.worked - peak.worked), seconds + 5))
            beside = pour(ENDLESS, CLIENTS)
        least = beside.answers[DONE] / beside.seconds
    came, good = poured.outcomes.total() / poured.seconds, poured.answers[DONE] / poured.seconds
    print(f"  peak {most:.0f}/s with {CLIENTS} clients, whose sending takes {peak.worked:.2f} of a processor")
    outcomes = dict(poured.outcomes)
    print(f"  offered {OVERLOAD * most:.0f}/s, came {came:.0f}/s, which takes {poured.worked:.2f}: {outcomes}")
    times = [1000 * percentile(poured.replies.get(BUSY, []), percent) for percent in (50, 99)]
    print(f"  refused after p50 {times[0]:.1f} ms, p99 {times[1]:.1f} ms")
    print(
        f"  answered {good:.0f}/s: {good / most:.2f} of the peak, {good / least:.2f} of the {least:.0f}/s beside a "
        "process that is as busy as the senders"
    )
    judge(WANTED, met=times[1] < 50 and good >= 0.9 * least and {*outcomes} <= {DONE, BUSY})


def be_busy(share: float, seconds: float) -> None:
    """Work for this share of a processor."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        while time.monotonic() - begun < share * MOMENT:
            pass
        time.sleep((1 - min(1.0, share)) * MOMENT)


def in_process(artifacts: Artifacts, place: Path, arguments: argparse.Namespace) -> None:
    """Offer more than can be answered, from threads of the service's own process.

    Whoever sends five times too much takes processor time from the service, which in earnest it does elsewhere. So the
    peak is also measured beside senders that are as many and as busy, and send to nobody.
    """
    crowd, seconds = SENDERS, min(20.0, arguments.seconds)
    with closing(InProcess(place, artifacts, values(arguments))) as service:
        peak = capacity(service, artifacts.pictures, CLIENTS)
        due = arrivals(OVERLOAD * peak, seconds, seed=0)
        pictures = [Picture(content) for content in artifacts.pictures]
        worked = time.process_time()
        send_all(due, pictures, Nobody, crowd)
        share = (time.process_time() - worked) / seconds
        idle = threading.Thread(target=send_all, args=(due, pictures, Nobody, crowd))
        idle.start()
        beside = capacity(service, artifacts.pictures, CLIENTS, seconds - 1)
        idle.join()
        samples = send_all(due, pictures, service.sender, crowd)
    refused = [sample for sample in samples if "Overloaded" in sample.error]
    good = [sample for sample in samples if not sample.error and sample.done <= seconds]
    others = Counter(sample.error for sample in samples if sample.error and "Overloaded" not in sample.error)
    late = percentile([s.sent - s.due for s in samples], 99)
    print(f"  peak {peak:.0f}/s; {beside:.0f}/s beside senders to nobody, who take {share:.2f} of a processor")
    print(f"  offered {len(samples) / seconds:.0f}/s, {len(refused):,} refused, others: {dict(others)}")
    times = [1000 * percentile([sample.reply for sample in refused], percent) for percent in (50, 99)]
    rate = len(good) / seconds
    print(f"  refused after p50 {times[0]:.1f} ms, p99 {times[1]:.1f} ms")
    print(
        f"  answered {rate:.0f}/s: {rate / peak:.2f} of the peak, {rate / beside:.2f} of that beside senders to nobody"
    )
    judge(WANTED, met=times[1] < 50 and rate >= 0.9 * beside and not others)
    if late > 0.1:
        print(
            f"  p99 of requests started {late:.1f} s late: {crowd} senders were too few for a load that waits for none"
        )
