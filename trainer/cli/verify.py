"""`python -m trainer verify`: is this set of pictures fit to train on?"""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trainer import config as configs
from trainer.dataset import quarantine
from trainer.dataset.findings import SHOWN, Finding, Severity
from trainer.dataset.sources import ignored_sentence
from trainer.dataset.verify import Report, verify
from trainer.errors import UsageError
from trainer.progress import Terminal

SUMMARY = "check every picture and label before training"
EXAMPLE = "python -m trainer verify configs/model.yaml --quarantine bad.txt"

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument("--json", action="store_true", help="write the report as JSON to standard output")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="leave out the pictures that this list names")
    parser.add_argument("--quarantine", type=Path, metavar="FILE", help="write the list of pictures with errors")


def run(arguments: argparse.Namespace) -> int:
    """Verify; 0 if nothing but warnings were found."""
    config = configs.read(arguments.config)
    _refuse_to_replace(arguments.quarantine, arguments.exclude)
    report = verify(config, Terminal(), quarantine.read(arguments.exclude))
    if arguments.json:
        sys.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    else:
        _print(report, Console(highlight=False))
    if arguments.quarantine:
        put = quarantine.add if arguments.quarantine == arguments.exclude else quarantine.write
        count = put(arguments.quarantine, report.findings)
        sys.stderr.write(f"{count:,} pictures written to {arguments.quarantine}\n")
    return 1 if report.errors else 0


def _refuse_to_replace(path: Path | None, exclude: Path | None) -> None:
    if path and path != exclude and path.exists():
        raise UsageError(
            f"{path} is there already, and a list may have been edited: name it with --exclude too, and what is found "
            f"now is added to it, or give --quarantine another name"
        )


def _print(report: Report, console: Console) -> None:
    for finding in report.findings:
        style = _STYLES[finding.severity]
        console.print(f"[{style}]{finding.severity.value}[/] {finding.rule}: {escape(finding.sentence)}")
        if finding.places:
            console.print(_examples(finding))
        console.print()
    if report.scan.ignored:
        console.print(ignored_sentence(report.scan.ignored))
    pictures = "Drawn pictures" if report.scan.endless else f"{len(report.scan.train):,} pictures"
    if report.scan.test:
        pictures += f" to train on, {len(report.scan.test):,} to test on"
    errors, warnings = len(report.errors), len(report.findings) - len(report.errors)
    style = "bold red" if errors else "bold green"
    console.print(f"{pictures}: [{style}]{_count(errors, 'error')}[/], {_count(warnings, 'warning')}")
    if any(finding.places for finding in report.errors):
        console.print("mend them, or list them with --quarantine FILE and leave them out with `train --exclude FILE`")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _examples(finding: Finding) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")  # a name that is cut off cannot be looked for
    for place in finding.places[:SHOWN]:
        table.add_row("   ", escape(place.name), escape(place.detail))
    if len(finding.places) > SHOWN:
        table.add_row("   ", f"and {len(finding.places) - SHOWN:,} more", "")
    return table
