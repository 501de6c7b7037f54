"""The load of wrk on one server after the other, and the engine without a server."""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers.artifacts import Stage
from benchmarks.peers.servers import HERE, ROOT, Candidate, Server

_WARM_UPS = 20


@dataclass(frozen=True)
class Run:
    """What a load came to.

    Attributes:
        rate: answers a second.
        p50: of the latency in ms; p99 likewise.
        errors: requests refused, and connections that broke.
        cpu: of the server, in ms for each answer.
    """

    rate: float
    p50: float
    p99: float
    errors: int
    cpu: float


Table = dict[tuple[str, int], list[Run]]
"""Of each candidate and number of clients, the rounds."""


def measured(stage: Stage, candidates: Sequence[Candidate], arguments: argparse.Namespace) -> Table:
    """Put the load on each candidate in turn, again and again."""
    table: Table = defaultdict(list)
    servers: list[Server] = []
    try:
        servers.extend(started(stage, candidate) for candidate in candidates)
        for number in range(arguments.rounds):
            for clients in arguments.clients:
                for server in servers if number % 2 else reversed(servers):
                    run = load(server, stage, clients, arguments.seconds)
                    table[server.candidate.name, clients].append(run)
    finally:
        for server in servers:
            server.stop()
    order = {candidate.name: place for place, candidate in enumerate(candidates)}
    return dict(sorted(table.items(), key=lambda item: (item[0][1], order[item[0][0]])))


def started(stage: Stage, candidate: Candidate) -> Server:
    """Start a candidate; it waits for its turn."""
    log = stage.folder / f"{candidate.name}.log"
    return Server(candidate, log, stage.body(several=candidate.several).read_bytes())


def load(server: Server, stage: Stage, clients: int, seconds: float) -> Run:
    """Put the load of some clients on a server, after a second to warm up: or more, if it refuses everything at first.

    BentoML does so for some seconds after some of the pauses between its turns.

    Raises:
        RuntimeError: not one request was answered: its times say nothing.
    """
    server.resume()
    try:
        for _ in range(_WARM_UPS):
            found = wrk(server, stage, clients, 1)
            if found["requests"] > found["refused"]:
                break
        before = server.cpu_seconds()
        found = wrk(server, stage, clients, seconds)
        cpu = server.cpu_seconds() - before
    finally:
        server.pause()
    good = found["requests"] - found["refused"]
    if not good:
        raise RuntimeError(f"{server.candidate.name} answered nothing to {clients} clients: {found}")
    errors = int(found["refused"] + found["broken"])
    return Run(good / found["seconds"], found["p50"], found["p99"], errors, 1000 * cpu / good)


def wrk(server: Server, stage: Stage, clients: int, seconds: float) -> dict[str, float]:
    """Run wrk and return what it found."""
    body = stage.body(several=server.candidate.several)
    words = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "20s"]
    words += ["-s", str(HERE / "report.lua"), server.url]
    printed = subprocess.run(words, env={**os.environ, "BODY": str(body)}, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(printed.stdout.splitlines()[-1])
    return found


def engine_ms(stage: Stage, name: str, seconds: float, layout: str) -> dict[str, float]:
    """Measure the engine in a process of its own, its threads laid out as `Batching.Threads` has it."""
    picture = stage.folder / "picture.png"
    picture.write_bytes(stage.picture)
    spec = stage.folder / name / "model" / "bench.yaml"
    words = [sys.executable, "-m", "benchmarks.peers.latency", str(spec), str(picture), str(seconds), layout]
    found: dict[str, float] = json.loads(subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout)
    return found
