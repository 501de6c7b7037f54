"""Scores to text with confidences, in numpy. Class 0 is the CTC blank (Graves et al. 2006, section 3.1 and 4.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.charset import BLANK, Charset

Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Symbol:
    """One symbol of a text: the highest probability that the network gave it in its run of frames, 0..1."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Decoded:
    """A text with the probability, 0..1, of all alignments that spell it."""

    text: str
    confidence: float
    symbols: tuple[Symbol, ...]


def softmax(logits: Logits) -> Probabilities:
    """Return probabilities float64 [N, T, K] for logits float32 [N, T, K]."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    result: Probabilities = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def ctc_greedy(logits: Logits, charset: Charset) -> list[Decoded]:
    """Read the most probable class of each frame, merge equal neighbours, drop blanks.

    Args:
        logits: float32 [N, T, K], class 0 the blank.
        charset: with K classes.

    Returns:
        One `Decoded` per row, in order.
    """
    probabilities = softmax(logits)
    best = logits.argmax(axis=-1)
    starts = best != BLANK
    starts[:, 1:] &= best[:, 1:] != best[:, :-1]
    rows = [best[row, starts[row]] for row in range(len(best))]
    confidences = label_probabilities(probabilities, rows)
    peaks = probabilities.max(axis=-1)
    return [
        Decoded(
            text=charset.decode([int(index) for index in classes]),
            confidence=float(confidences[row]),
            symbols=_symbols(classes, np.flatnonzero(starts[row]), best[row], peaks[row], charset),
        )
        for row, classes in enumerate(rows)
    ]


def label_probabilities(
    probabilities: Probabilities, labels: Sequence[npt.NDArray[np.integer] | Sequence[int]]
) -> Probabilities:
    """Return the probability of each label: the sum over all alignments, by the CTC forward recursion.

    Args:
        probabilities: float64 [N, T, K], class 0 the blank, each frame summing to 1.
        labels: N sequences of classes 1..K-1.

    Returns:
        float64 [N], 0..1; 0 where no alignment fits into T frames.
    """
    n, frames, _ = probabilities.shape
    if n == 0:
        return np.zeros(0)
    # Blank, label, blank, label, ..., blank; padding behind a shorter label is never reached by its last two states.
    states = 2 * max(len(label) for label in labels) + 1
    extended = np.full((n, states), BLANK)
    for row, label in enumerate(labels):
        extended[row, 1 : 2 * len(label) : 2] = label
    emit = np.take_along_axis(probabilities, np.broadcast_to(extended[:, None, :], (n, frames, states)), axis=2)
    may_skip = np.zeros((n, states))
    may_skip[:, 2:] = (extended[:, 2:] != BLANK) & (extended[:, 2:] != extended[:, :-2])
    alpha = np.zeros((n, states))
    alpha[:, :2] = emit[:, 0, :2]
    for frame in range(1, frames):
        reach = alpha.copy()
        reach[:, 1:] += alpha[:, :-1]
        reach[:, 2:] += alpha[:, :-2] * may_skip[:, 2:]
        alpha = reach * emit[:, frame]
    ends = np.array([2 * len(label) for label in labels])
    rows = np.arange(n)
    last_symbol = np.where(ends > 0, alpha[rows, np.maximum(ends - 1, 0)], 0.0)
    total: Probabilities = np.minimum(alpha[rows, ends] + last_symbol, 1.0)
    return total


def _symbols(
    classes: npt.NDArray[np.integer],
    starts: npt.NDArray[np.integer],
    best: npt.NDArray[np.integer],
    peaks: Probabilities,
    charset: Charset,
) -> tuple[Symbol, ...]:
    result = []
    for index, start in zip(classes, starts, strict=True):
        end = start
        while end < len(best) and best[end] == index:
            end += 1
        result.append(Symbol(charset.symbols[index - 1], float(peaks[start:end].max())))
    return tuple(result)
