"""Which confidence to ask for: how many texts each would accept, and how many of those would be right."""

from collections.abc import Sequence

import numpy as np

from contract.measured import AcceptLine

THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


def accept_table(
    confidences: Sequence[float], right: Sequence[bool], thresholds: Sequence[float] = THRESHOLDS
) -> list[AcceptLine]:
    """Return a line for each threshold.

    Args:
        confidences: of the texts, 0..1; at least one.
        right: whether each text is its label.
        thresholds: the confidences to try, rising.
    """
    values, correct = np.asarray(confidences, float), np.asarray(right, bool)
    lines = []
    for threshold in thresholds:
        accepted = values >= threshold
        share = round(float(correct[accepted].mean()), 6) if accepted.any() else None
        lines.append(AcceptLine(Confidence=threshold, Accepted=round(float(accepted.mean()), 6), Right=share))
    return lines
