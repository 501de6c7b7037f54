"""The list of pictures to leave out: written by `verify --quarantine`, edited by hand, honoured by `--exclude`."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from contract.files import write_atomically
from trainer.dataset.findings import Finding, Severity
from trainer.errors import UsageError

HEADER = "# Pictures to leave out, one a line: its name, then a tab and why. Lines that start with # do not count."


def write(path: Path, findings: Iterable[Finding]) -> int:
    """Write the pictures that errors are about, each once, and return how many they are."""
    reasons: dict[str, str] = {}
    for finding in findings:
        if finding.severity is Severity.ERROR:
            for place in finding.places:
                reasons.setdefault(place.name, f"{finding.rule}: {place.detail}")
    write_names(path, reasons)
    return len(reasons)


def write_names(path: Path, reasons: Mapping[str, str]) -> None:
    """Write names, each with the reason why it is listed."""
    lines = [HEADER, *(f"{name}\t{' '.join(reason.split())}" for name, reason in reasons.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def read(path: Path | None) -> frozenset[str]:
    """Return the names to leave out; none without a path.

    Raises:
        UsageError: the file cannot be read.
    """
    if path is None:
        return frozenset()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the list of pictures to leave out, {str(path)!r}, cannot be read: {error}") from error
    return frozenset(line.partition("\t")[0] for line in lines if line.strip() and not line.startswith("#"))
