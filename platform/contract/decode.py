"""Scores to text with confidences, in numpy.

Of a `ctc` head class 0 is the blank (Graves et al. 2006, section 3.1 and 4.1). A `fixed` head has a classifier for each
position of the text; its class 0 is the padding where no symbol stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from contract.charset import BLANK, Charset

HeadName = Literal["ctc", "fixed"]
Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]


class DamagedError(ValueError):
    """Scores that are no numbers (nan or infinity), as damaged weights give."""

    def __init__(self) -> None:
        super().__init__("the network's scores are no numbers: its weights are damaged")


@dataclass(frozen=True)
class Symbol:
    """One symbol of a text: the highest probability that the network gave it in its frames or position, 0..1."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Decoded:
    """A text with its probability, 0..1: of all alignments that spell it, or of all positions together."""

    text: str
    confidence: float
    symbols: tuple[Symbol, ...]


def softmax(logits: Logits) -> Probabilities:
    """Return probabilities float64 [N, T, K] for logits float32 [N, T, K]."""
    with np.errstate(invalid="ignore"):  # infinite logits become nan, which the reader of the texts refuses
        exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True, dtype=np.float64)
    return result


def read(logits: Logits, charset: Charset, head: HeadName) -> list[Decoded]:
    """Read logits float32 [N, T, K] as their head means them: by `ctc_greedy` or `fixed_best`, which see."""
    return ctc_greedy(logits, charset) if head == "ctc" else fixed_best(logits, charset)


def fixed_best(logits: Logits, charset: Charset) -> list[Decoded]:
    """Read the most probable class of each position, and leave padding out wherever it stands.

    Training pads behind the label. Padding before a symbol is a misreading, of which the other symbols are still worth
    something.

    Args:
        logits: float32 [N, P, K], class 0 the padding.
        charset: with K classes.

    Returns:
        One `Decoded` per row, in order; its confidence is the product of the positions', padding included.

    Raises:
        DamagedError: the logits are no numbers.
    """
    peaks = softmax(logits).max(axis=-1)
    if np.isnan(peaks).any():
        raise DamagedError
    return [
        Decoded(
            charset.decode(classes),
            confidence,
            tuple(Symbol(charset.symbols[index - 1], peak) for index, peak in zip(classes, row, strict=True) if index),
        )
        for classes, row, confidence in zip(
            logits.argmax(axis=-1).tolist(), peaks.tolist(), peaks.prod(axis=-1).tolist(), strict=True
        )
    ]


def ctc_greedy(logits: Logits, charset: Charset) -> list[Decoded]:
    """Read the most probable class of each frame, merge equal neighbours, drop blanks.

    Args:
        logits: float32 [N, T, K], class 0 the blank.
        charset: with K classes.

    Returns:
        One `Decoded` per row, in order.

    Raises:
        DamagedError: the logits are no numbers.
    """
    n, frames, _ = logits.shape
    probabilities = softmax(logits)
    best = logits.argmax(axis=-1)
    is_start = np.ones((n, frames), bool)
    is_start[:, 1:] = best[:, 1:] != best[:, :-1]
    starts = np.flatnonzero(is_start)
    peaks = np.maximum.reduceat(probabilities.max(axis=-1).ravel(), starts)
    rows: list[list[int]] = [[] for _ in range(n)]
    symbols: list[list[Symbol]] = [[] for _ in range(n)]
    for start, index, peak in zip(starts.tolist(), best.ravel()[starts].tolist(), peaks.tolist(), strict=True):
        if index != BLANK:
            rows[start // frames].append(index)
            symbols[start // frames].append(Symbol(charset.symbols[index - 1], peak))
    confidences = label_probabilities(probabilities, rows).tolist()
    return [
        Decoded(charset.decode(classes), confidence, tuple(of_row))
        for classes, confidence, of_row in zip(rows, confidences, symbols, strict=True)
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

    Raises:
        DamagedError: the probabilities are no numbers.
    """
    n, frames, _ = probabilities.shape
    if n == 0:
        return np.zeros(0)
    # For each label two stops, then blank, symbol, blank, symbol, ..., blank. No alignment is ever at a stop, so none
    # comes over from the label before; padding behind a shorter label is never reached by its last two states.
    width = 2 * max(map(len, labels)) + 3
    states = np.full((n, width), BLANK)
    for row, label in zip(states, labels, strict=True):
        row[3 : 3 + 2 * len(label) : 2] = label
    may_skip = states != BLANK
    may_skip[:, 2:] &= states[:, 2:] != states[:, :-2]
    emit = probabilities[np.arange(n)[:, np.newaxis], :, states]
    emit[:, :2] = 0.0
    # alpha: the probability of all alignments of the frames so far that end in a state. It comes from the same state,
    # the one before, or the one before that, if that is a blank between two symbols that differ.
    padded = np.zeros(n * width + 2)
    alpha, one_before, two_before = padded[2:], padded[1:-1], padded[:-2]
    by_label = alpha.reshape(n, width)
    by_label[:, 2:4] = emit[:, 2:4, 0]
    stays = np.ascontiguousarray(emit.reshape(n * width, frames).T)
    skips = stays * may_skip.ravel()
    moved, skipped = np.empty_like(alpha), np.empty_like(alpha)
    for stay, skip in zip(stays[1:], skips[1:], strict=True):
        np.add(alpha, one_before, moved)
        np.multiply(moved, stay, moved)
        np.multiply(two_before, skip, skipped)
        np.add(moved, skipped, alpha)
    ends = np.array([2 + 2 * len(label) for label in labels])
    rows = np.arange(n)
    # Behind the last symbol or behind the blank that follows it; before the first blank is a stop, where nothing is.
    total: Probabilities = by_label[rows, ends] + by_label[rows, ends - 1]
    if np.isnan(total).any():
        raise DamagedError
    return np.minimum(total, 1.0)


def dense(rows: npt.NDArray[np.int64], symbols: Sequence[str], fill: int = -1) -> list[str]:
    """Read the numbers of symbols that a graph has decoded itself.

    Args:
        rows: int64 [N, L].
        symbols: by number, from 0 on; an empty one stands for nothing.
        fill: the number behind shorter texts.

    Returns:
        One text per row.

    Raises:
        ValueError: a number beyond the symbols: the character set is not that of the graph.
    """
    beyond = rows[(rows != fill) & ((rows < 0) | (rows >= len(symbols)))]
    if beyond.size:
        raise ValueError(
            f"the graph gave the symbol number {beyond[0]}, but there are {len(symbols)} from 0 on: "
            f"the character set is not that of the graph"
        )
    return ["".join([symbols[number] for number in row if number != fill]) for row in rows.tolist()]
