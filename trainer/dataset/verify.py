"""Find out whether a set of pictures is fit to train on: scan, examine every picture, apply the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset import rules
from trainer.dataset.examine import Facts, examine, steps_of
from trainer.dataset.findings import Entry, Finding, Severity
from trainer.dataset.scan import Scan, scan
from trainer.dataset.target import target_of
from trainer.progress import Progress


@dataclass(frozen=True)
class Report:
    """What verification found.

    Attributes:
        scan: the pictures looked at.
        findings: errors first.
    """

    scan: Scan
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop packing."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def as_json(self) -> dict[str, object]:
        """Return the report as a tree for machines."""
        return {
            "train": len(self.scan.train),
            "test": len(self.scan.test),
            "ignored": dict(self.scan.ignored),
            "errors": len(self.errors),
            "findings": [
                {
                    "rule": finding.rule,
                    "severity": finding.severity.value,
                    "sentence": finding.sentence,
                    "count": len(finding.places),
                    "pictures": [{"name": place.name, "detail": place.detail} for place in finding.places],
                }
                for finding in self.findings
            ],
        }


def verify(config: TrainConfig, progress: Progress, exclude: frozenset[str] = frozenset()) -> Report:
    """Look at every picture of a config.

    Args:
        config: the training config.
        progress: shows a bar.
        exclude: names of pictures to leave out.

    Raises:
        SourceError: a folder is missing, or has no picture in it.
    """
    found = scan(config)
    if exclude:
        progress.say(found.left_out_sentence(exclude))
    found = found.without(exclude)
    workers = parallel.worker_count(config.System.Threads)
    samples = list(enumerate(found.samples))
    facts = [item.facts for item in examine(samples, steps_of(config), workers, progress, "Verifying")]
    return Report(found, tuple(rules.check(entries(found, facts), target_of(config))))


def entries(found: Scan, facts: Sequence[Facts]) -> list[Entry]:
    """Return what the rules look at: samples with their facts, in the order of `found.samples`."""
    return [
        Entry(sample.name, sample.label, fact, "train" if index < len(found.train) else "test")
        for index, (sample, fact) in enumerate(zip(found.samples, facts, strict=True))
    ]
