"""The list of pictures to leave out: written by `verify --quarantine`, edited by hand, honoured by `--exclude`."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from contract.files import write_atomically
from trainer.dataset.findings import Finding, Severity
from trainer.errors import UsageError

HEADER = "# Pictures to leave out, one a line: its name, then a tab and why. Lines that start with # do not count."


def write(path: Path, findings: Iterable[Finding]) -> int:
    """Write the pictures that errors are about, each once, and return how many they are."""
    found = _found(findings)
    write_names(path, found)
    return len(found)


def add(path: Path, findings: Iterable[Finding]) -> int:
    """Write them behind what a list holds, which stays as it is; return how many it has then. Raises as `reasons`."""
    listed = reasons(path)
    more = {name: reason for name, reason in _found(findings).items() if name not in listed}
    lines = [path.read_text(encoding="utf-8").rstrip("\n"), *_lines(more)]
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return len(listed) + len(more)


def _found(findings: Iterable[Finding]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for finding in findings:
        if finding.severity is Severity.ERROR:
            for place in finding.places:
                found.setdefault(place.name, f"{finding.rule}: {place.detail}")
    return found


def write_names(path: Path, reasons: Mapping[str, str]) -> None:
    """Write names, each with the reason why it is listed."""
    lines = [HEADER, *_lines(reasons)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def _lines(reasons: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}\t{' '.join(reason.split())}" for name, reason in reasons.items())


def read(path: Path | None) -> frozenset[str]:
    """Return the names to leave out; none without a path. Raises as `reasons`."""
    return frozenset(reasons(path) if path else ())


def reasons(path: Path) -> Mapping[str, str]:
    """Return the names to leave out, each with why.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the list of pictures to leave out, {str(path)!r}, cannot be read: {error}") from error
    cells = (line.partition("\t") for line in lines if line.strip() and not line.startswith("#"))
    return {name: why for name, _, why in cells}
