"""The list of pictures to leave out: written by `verify --quarantine`, edited by hand, honoured by `--exclude`."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from contract.files import write_atomically
from trainer.dataset.findings import Finding, Severity
from trainer.errors import UsageError

HEADER = "# Pictures to leave out, one a line: its name, then a tab and why. Lines that start with # do not count."


def write(path: Path, findings: Iterable[Finding], listed: Mapping[str, str]) -> int:
    """Write the pictures that errors are about, each once, behind those that were listed; return how many they are."""
    found = dict(listed)
    for finding in findings:
        if finding.severity is Severity.ERROR:
            for place in finding.places:
                found.setdefault(place.name, f"{finding.rule}: {place.detail}")
    write_names(path, found)
    return len(found)


def write_names(path: Path, reasons: Mapping[str, str]) -> None:
    """Write names, each with the reason why it is listed."""
    lines = [HEADER, *(f"{name}\t{' '.join(reason.split())}" for name, reason in reasons.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, ("\n".join(lines) + "\n").encode())


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
