"""`python -m serving load`: put an open-loop load on a running service and write down how it fares."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from serving.cli.asking import (
    DEFAULT_URL,
    add_arguments,
    check_url,
    credentials_of,
    fold_of,
    grpc_address,
    label_of,
    pictures_in,
)
from serving.load.report import csv_text, json_text, svg_text
from serving.load.run import Picture, run_with
from serving.load.samples import arrivals, summary
from serving.load.senders import GrpcSender, HttpSender, Sender

_EPILOG = """\
example:
  python -m serving load pictures/ --rate 200 --seconds 30 --url http://127.0.0.1:19951 --grpc 127.0.0.1:50054 -o load

Requests start when they are due, also while earlier ones wait, as those of many clients do. Times count from the moment
that a request was due. With --url and --grpc half of the connections go to each. Writes OUT/samples.csv (index, text,
time, total, recognition and request in ms), OUT/summary.json and OUT/latency.svg. Recognition is the time that the
service says it worked, request the rest of the total. Nothing is tried again.
Ends with code 1 if a request failed.
"""


def run(words: Sequence[str]) -> int:
    """Run a load; raises ConfigError for what is wrong with the arguments."""
    arguments = _parser().parse_args(words)
    files, fold = pictures_in(arguments.paths), fold_of(arguments)
    pictures = [Picture(path.read_bytes(), label_of(path, arguments.labels), fold) for path in files]
    connect = _connections(arguments)
    due = arrivals(arguments.rate, arguments.seconds, arguments.seed)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)  # what cannot be written is better known before
    senders = [opened() for opened in connect]
    started = datetime.now().astimezone()
    samples = run_with(due, pictures, senders)
    found = summary(samples, arguments.seconds)
    title = f"{arguments.rate:g} requests a second for {arguments.seconds:g} s"
    (folder / "samples.csv").write_text(csv_text(samples, started), encoding="utf-8")
    (folder / "summary.json").write_text(
        json_text(found, load=title, started=started.isoformat(timespec="seconds")), encoding="utf-8"
    )
    (folder / "latency.svg").write_text(svg_text(samples, title), encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=2) + f"\nwritten to {folder}\n")
    return 1 if found["errors"] or len(samples) < len(due) else 0


def _connections(arguments: argparse.Namespace) -> list[Callable[[], Sender]]:
    credentials = credentials_of(arguments)
    kinds: list[Callable[[], Sender]] = []
    if arguments.url or not arguments.grpc:
        url = arguments.url or DEFAULT_URL
        check_url(url)
        kinds.append(partial(HttpSender, url, arguments.timeout, credentials))
    if arguments.grpc:
        address, tls = grpc_address(arguments.grpc)
        kinds.append(partial(GrpcSender, address, arguments.timeout, credentials, tls=tls))
    return [kinds[number % len(kinds)] for number in range(arguments.clients)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving load",
        description="Put a load on a running service and write down how it fares.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument("--rate", type=_positive, default=20.0, metavar="N", help="requests a second (default 20)")
    parser.add_argument("--seconds", type=_positive, default=10.0, metavar="S", help="how long (default 10)")
    parser.add_argument("--clients", type=_count, default=64, metavar="N", help="connections (default 64)")
    parser.add_argument("--timeout", type=_positive, default=10.0, metavar="S", help="of a request (default 10)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments that requests are due")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/load"), metavar="FOLDER", help="(default out/load)")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return value
