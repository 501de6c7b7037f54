"""The platform against thin peers with the same weights behind them: throughput, latency, CPU time of HTTP.

    python -m benchmarks.peers [throughput] [latency] [http] [idle] [--rounds 5] [--seconds 6] [--set KEY=VALUE]

throughput  pictures a second and latency of 1, 8 and 32 clients, each of which asks again at once; all servers in turns
latency     what one client waits, against what the engine takes in a process without a server
http        CPU time of a request whose model answers at once
idle        p99 of 8 clients among 2,000 connections that say nothing, against without; the model answers at once

Servers: ours in float32 and, where this CPU has it, in bfloat16; Flask under waitress with a session.run for each
request; LitServe and BentoML with batching. They get one PNG of 8 KB as base64 in JSON, from wrk on the same cores, and
all run TensorFlow. Needs Linux and `wrk`; the first run makes an environment for the peers, in --environment. Numbers
are medians of the rounds; a ratio is the median of each round's own.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.artifacts import ARITHMETICS, Stage, build
from benchmarks.peers.measure import Table, engine_ms, load, measured, started
from benchmarks.peers.servers import HERE, ROOT, http_alone, ours, peers
from engine.arithmetic import cpu_has_bfloat16
from serving import settings

CLIENTS = (1, 8, 32)
WANTED = {"float32": 1.2, "bfloat16": 1.6}  # times the best peer
HTTP_MS, FIRST_MS = 0.5, 0.6
IDLE = 2000
OTHERS = 500  # connections that may be open beside those


def main() -> None:
    """Run the parts that are asked for, all of them by default."""
    parts = {"throughput": throughput, "latency": latency, "http": http, "idle": idle}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each run")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "foundry-peers")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="of the platform's settings")
    parser.add_argument("--no-peers", action="store_true", help="measure the platform alone")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as place:
        stage = build(Path(place))
        print(f"one picture of {len(stage.picture):,} bytes, {arguments.rounds} rounds of {arguments.seconds:g} s")
        for name in arguments.parts or parts:
            print(f"{name}:", flush=True)
            parts[name](stage, arguments)


def throughput(stage: Stage, arguments: argparse.Namespace) -> None:
    """Compare all servers."""
    platform = [ours(f"ours {name}", stage.folder / name, *arguments.set) for name in arithmetics()]
    rivals = [] if arguments.no_peers else peers(environment(arguments.environment), stage.folder / "peer")
    table = measured(stage, [*platform, *rivals], arguments)
    print(f"  {'server':14} clients  answers/s   p50 ms   p99 ms  errors  CPU ms an answer")
    for (name, clients), runs in table.items():
        rate, p50, p99, cpu = (middle(getattr(run, what) for run in runs) for what in ("rate", "p50", "p99", "cpu"))
        print(f"  {name:14} {clients:7} {rate:10.0f} {p50:8.2f} {p99:8.2f} {sum(r.errors for r in runs):7} {cpu:8.2f}")
    names = [rival.name for rival in rivals]
    for name in arithmetics() if names else ():
        for clients in set(arguments.clients) - {1}:
            compare(table, name, names, clients)


def compare(table: Table, arithmetic: str, rivals: Sequence[str], clients: int) -> None:
    """Judge one arithmetic at one number of clients against the best peer there, which has the most answers."""
    mine = table[f"ours {arithmetic}", clients]
    best = max(rivals, key=lambda name: middle(run.rate for run in table[name, clients]))
    theirs = table[best, clients]
    ratio = middle(a.rate / b.rate for a, b in zip(mine, theirs, strict=True))
    late = middle(a.p99 / b.p99 for a, b in zip(mine, theirs, strict=True))
    print(f"  {clients} clients, {arithmetic}: {ratio:.2f} times the answers of {best}, {late:.2f} times its p99")
    failed = sum(run.errors for run in mine)
    judge(
        f"{WANTED[arithmetic]} times, a lower p99, no errors",
        met=ratio >= WANTED[arithmetic] and late < 1 and not failed,
    )


def latency(stage: Stage, arguments: argparse.Namespace) -> None:
    """Compare one client with the engine alone."""
    said = [(key, value) for key, _, value in (word.partition("=") for word in arguments.set)]
    layout = settings.load(None, {}, said).Batching.Threads
    for name in arithmetics():
        differences, alone, failed = [], [], 0
        server = started(stage, ours(name, stage.folder / name, *arguments.set))
        try:
            for _ in range(arguments.rounds):
                alone.append(engine_ms(stage, name, arguments.seconds, layout))
                run = load(server, stage, 1, arguments.seconds)
                differences.append(run.p50 - alone[-1]["model"])
                failed += run.errors
        finally:
            server.stop()
        model, decoded = (middle(each[key] for each in alone) for key in ("model", "with_decoding"))
        print(f"  {name}: the model takes {model:.2f} ms, {decoded:.2f} ms with the decoding of the picture")
        more = middle(differences)
        print(
            f"  one client waits {more:.2f} ms longer than the model takes, {more - decoded + model:.2f} ms beyond both"
        )
        judge(f"within {FIRST_MS} ms, no errors", met=more <= FIRST_MS and not failed)


def http(stage: Stage, arguments: argparse.Namespace) -> None:
    """Measure the CPU time of HTTP."""
    candidate = http_alone(*arguments.set)
    table = measured(stage, [candidate], arguments)
    worst, failed = 0.0, 0
    for clients in arguments.clients:
        runs = table[candidate.name, clients]
        worst = max(worst, middle(run.cpu for run in runs))
        failed += sum(run.errors for run in runs)
        rate = middle(run.rate for run in runs)
        print(f"  {clients} clients: {middle(run.cpu for run in runs):.3f} ms of CPU a request, {rate:.0f} answers/s")
    judge(f"under {HTTP_MS} ms, no errors", met=worst < HTTP_MS and not failed)


def idle(stage: Stage, arguments: argparse.Namespace) -> None:
    """Compare with many idle connections and without."""
    ratios, failed = [], 0
    server = started(stage, http_alone(f"Http.Connections={IDLE + OTHERS}", *arguments.set))
    try:
        for _ in range(arguments.rounds):
            alone = load(server, stage, 8, arguments.seconds)
            server.resume()
            with silent_crowd(server.port):
                among = load(server, stage, 8, arguments.seconds)
            ratios.append(among.p99 / alone.p99)
            failed += alone.errors + among.errors
            print(f"  p99 {alone.p99:.2f} ms alone, {among.p99:.2f} ms among {IDLE:,} idle connections", flush=True)
    finally:
        server.stop()
    judge("at most 1.2 times, no errors", met=middle(ratios) <= 1.2 and not failed)


@contextmanager
def silent_crowd(port: int) -> Iterator[None]:
    """Hold `IDLE` connections open meanwhile.

    Raises:
        RuntimeError: they could not be made, or the server closed some of them.
    """
    words = [sys.executable, "-m", "benchmarks.peers.idle", str(port), str(IDLE)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout
        if crowd.stdout.readline().strip() != str(IDLE):
            raise RuntimeError(f"there are no {IDLE:,} idle connections: what ended them stands above")
        yield
        left, _ = crowd.communicate()
    if left.strip() != str(IDLE):
        raise RuntimeError(f"of {IDLE:,} idle connections {left.strip() or 'none'} were left at the end")


def environment(folder: Path) -> Path:
    """Return where the peers' programs are, installed at the first run."""
    folder = folder.resolve()  # the servers start in another folder than this
    binaries = folder / "bin"
    done = folder / "installed"
    wanted = (HERE / "requirements.txt").read_text("utf-8")
    if not done.is_file() or done.read_text("utf-8") != wanted:
        print(f"  installing the peers into {folder}: this takes some minutes", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([binaries / "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
        done.write_text(wanted, "utf-8")
    return binaries


def arithmetics() -> Sequence[str]:
    """Return those that this CPU multiplies in."""
    return ARITHMETICS if cpu_has_bfloat16() else ARITHMETICS[:1]


def middle(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def judge(target: str, *, met: bool) -> None:
    """Print what became of a target."""
    print(f"  {'met' if met else 'MISSED'}: {target}", flush=True)


if __name__ == "__main__":
    main()
