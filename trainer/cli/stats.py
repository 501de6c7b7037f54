"""`python -m trainer stats`: what a set of pictures is made of."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from trainer import config as configs
from trainer import parallel
from trainer.dataset.propose import labelled
from trainer.dataset.scan import scan
from trainer.dataset.stats import Stats, gather
from trainer.progress import Terminal

SUMMARY = "count formats, sizes, lengths of labels and symbols of a set"
EXAMPLE = "python -m trainer stats configs/model.yaml"

CONFIG_SUFFIXES = frozenset({".yaml", ".yml"})
ROWS = 10  # of a table; what has less is put together
SYMBOLS = 120  # shown on a terminal; a Chinese set has thousands
BAR = 20  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "place", type=Path, metavar="CONFIG|FOLDER", help="a training config, or the pictures as `init` takes them"
    )
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON to standard output")


def run(arguments: argparse.Namespace) -> int:
    """Count and show."""
    stats = _gather(arguments.place)
    if arguments.json:
        sys.stdout.write(json.dumps(stats.as_json(), indent=1, ensure_ascii=False) + "\n")
    else:
        _print(stats, Console(highlight=False))
    return 0


def _gather(place: Path) -> Stats:
    progress = Terminal()
    if place.suffix.lower() in CONFIG_SUFFIXES and not place.is_dir():
        config = configs.read(place)
        workers = parallel.worker_count(config.System.Threads)
        return gather(scan(config).samples, workers, progress, config.charset)
    return gather(labelled(place)[1], parallel.worker_count(None), progress)


def _print(stats: Stats, console: Console) -> None:
    console.print(f"{stats.pictures:,} pictures, {stats.size_bytes / 1e6:,.1f} MB")
    doubtful = {
        "cannot be read": stats.unreadable,
        "without a label": stats.unlabelled,
        "animated": stats.animated,
        "copies of others": stats.copies,
    }
    for what, count in doubtful.items():
        if count:
            console.print(f"{count:,} {what}", style="yellow")
    sizes = {f"{width}x{height}": count for (width, height), count in stats.sizes.items()}
    lengths = {f"{length} symbol{'s' if length != 1 else ''}": count for length, count in stats.lengths.items()}
    for title, counts in (("format", stats.formats), ("size", sizes), ("label", lengths)):
        console.print()
        console.print(_table(title, counts))
    console.print()
    _print_symbols(stats.symbols, console)


def _table(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    table.add_column(title, style="bold", min_width=18, no_wrap=True)
    table.add_column("pictures", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    shown = list(counts.items())[:ROWS]
    rest = len(counts) - len(shown)
    if rest:
        shown.append((f"{rest:,} others", sum(counts.values()) - sum(count for _, count in shown)))
    total, most = max(1, sum(counts.values())), max([1, *(count for _, count in shown)])
    for name, count in shown:
        table.add_row(name, f"{count:,}", f"{count / total:.1%}", "█" * round(BAR * count / most))
    return table


def _print_symbols(symbols: Mapping[str, int], console: Console) -> None:
    console.print(f"{len(symbols):,} symbols, {sum(symbols.values()):,} in all; the most frequent first", style="bold")
    pairs = list(symbols.items())
    if len(pairs) <= SYMBOLS:
        console.print(_columns(pairs))
        return
    console.print(_columns(pairs[: SYMBOLS // 2]))
    console.print(f"... {len(pairs) - SYMBOLS:,} more, and the rarest:")
    console.print(_columns(pairs[-SYMBOLS // 2 :]))


def _columns(pairs: Iterable[tuple[str, int]]) -> Columns:
    cells = [
        f"{symbol if symbol.isprintable() and symbol != ' ' else repr(symbol)} {count:>7,}" for symbol, count in pairs
    ]
    return Columns(cells, padding=(0, 2))
