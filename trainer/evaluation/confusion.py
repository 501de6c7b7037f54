"""Which symbols are taken for which: labels and texts aligned with the fewest edits."""

from collections import Counter
from collections.abc import Sequence

NOTHING = ""  # in a pair: the symbol was not read, or was read where there is none

Pair = tuple[str, str]


def align(label: str, text: str) -> list[Pair]:
    """Return (symbol of the label, symbol of the text) in order, with as few unequal pairs as can be.

    A symbol that has no partner is paired with `NOTHING`.
    """
    table = _distances(label, text)
    pairs: list[Pair] = []
    i, j = len(label), len(text)
    while i or j:
        replaced = table[i - 1][j - 1] + (label[i - 1] != text[j - 1]) if i and j else None
        if replaced is not None and table[i][j] == replaced:
            i, j = i - 1, j - 1
            pairs.append((label[i], text[j]))
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            pairs.append((label[i], NOTHING))
        else:
            j -= 1
            pairs.append((NOTHING, text[j]))
    return pairs[::-1]


def pairs_of(labels: Sequence[str], texts: Sequence[str]) -> Counter[Pair]:
    """Return how often each symbol was read as which, over all labels and texts, equal pairs included."""
    return Counter(pair for label, text in zip(labels, texts, strict=True) for pair in align(label, text))


def errors_of(pairs: Counter[Pair]) -> Counter[Pair]:
    """Return the pairs that are errors."""
    return Counter({pair: count for pair, count in pairs.items() if pair[0] != pair[1]})


def by_symbol(pairs: Counter[Pair]) -> dict[str, tuple[int, int]]:
    """Return (read right, in labels) of each symbol of the labels; the worst read first."""
    totals: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for (truth, read), count in pairs.items():
        if truth:
            totals[truth] += count
            right[truth] += count if truth == read else 0
    order = sorted(totals, key=lambda symbol: (right[symbol] / totals[symbol], symbol))
    return {symbol: (right[symbol], totals[symbol]) for symbol in order}


def _distances(label: str, text: str) -> list[list[int]]:
    """Return the edit distance of each pair of prefixes, [len(label) + 1][len(text) + 1]."""
    table = [list(range(len(text) + 1))]
    for i, symbol in enumerate(label, start=1):
        row = [i]
        for j, other in enumerate(text, start=1):
            row.append(min(table[i - 1][j] + 1, row[j - 1] + 1, table[i - 1][j - 1] + (symbol != other)))
        table.append(row)
    return table
