"""What would make a network read better that does not read well when its training ends. Pure."""

import math
from dataclasses import dataclass

HARDLY = 0.5  # of what guessing costs, above which symbols are not known
GOOD = 0.9  # whole texts right, from which on nobody needs to be told what to try
BY_HEART = 2.0  # times the loss of what was learned from, above which that of other pictures shows that it is all
NOTICEABLE = 0.05  # nats a symbol, below which no loss says anything


@dataclass(frozen=True)
class Ending:
    """Where a training has ended.

    Attributes:
        accuracy: best share of whole texts of the test set, 0..1.
        loss: of the last pictures that were learned from, in nats a symbol.
        test_loss: of the test set, in nats a symbol.
        symbols: in the character set.
        longer: the key that makes a training longer, with a value.
    """

    accuracy: float
    loss: float
    test_loss: float
    symbols: int
    longer: str


def advice(ending: Ending) -> str:
    """Return what was measured and what to try, for a person; empty if most texts are read."""
    if ending.accuracy >= GOOD:
        return ""
    guessing = math.log(ending.symbols) if ending.symbols > 1 else 0.0
    if guessing and ending.loss > HARDLY * guessing:
        return (
            f"Symbols are hardly told apart yet: each costs {ending.loss:.2f} nats, where guessing costs "
            f"{guessing:.2f}. Look at `trainer preview`, whether what the network sees can be read; if so, train "
            f"longer ({ending.longer})."
        )
    if ending.test_loss > max(NOTICEABLE, BY_HEART * ending.loss):
        return (
            f"It knows the pictures that it learned from better than others: a symbol costs {ending.loss:.2f} nats in "
            f"these and {ending.test_loss:.2f} in those. More labelled pictures help most; `trainer suspects` finds "
            "labels that may be wrong."
        )
    return f"It can still learn from these pictures: train longer ({ending.longer})."
