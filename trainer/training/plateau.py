"""Why a network still reads nothing: measured, not guessed. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.decode import label_probabilities

# The first steps after which a network that reads nothing at all is looked at; most read something by then.
LOOK_AT = frozenset(200 * 2**k for k in range(10))

# Every CTC training begins with blanks alone. Within this share of what ignoring the pictures costs, it still does.
LEARNED_NOTHING = 0.97

# The next stop of CTC, and with many symbols a long one: their places are known, and each is as likely as another.
NEAR_GUESSING = 0.02

FEW_FRAMES = 1.5  # frames for each one needed: below, CTC finds few alignments to learn from
LOW_RATE, HIGH_RATE = 1e-2, 10.0  # of what is usual with the optimizer: their rates have scales of their own
SMALL_GRADIENT, LARGE_GRADIENT = 1e-3, 1e3

BLANK_SHARES = np.linspace(0.05, 0.99, 24)


@dataclass(frozen=True)
class Vitals:
    """What was measured on a training that reads nothing.

    Attributes:
        step: steps done.
        loss: mean loss in nats of the newest batch.
        ignoring: loss of the best network that does not look at the pictures; see `loss_of_ignoring` and
            `fixed_loss_of_ignoring`.
        symbols: K - 1, in the character set.
        length: mean length of the labels.
        frames: T, of the network at this width; None of a fixed head, which has positions and no alignments.
        needed: most frames that a label needs: its length and one between equal neighbours.
        gradient: norm of all gradients together.
        rate: learning rate.
        usual: the largest learning rate with this optimizer where the config names none.
        recurrent: frames are read one after the other.
    """

    step: int
    loss: float
    ignoring: float
    symbols: int
    length: float
    frames: int | None
    needed: int
    gradient: float
    rate: float
    usual: float
    recurrent: bool

    @property
    def guessing(self) -> float:
        """Loss in nats of a network that knows the places of the symbols and none of them."""
        return self.length * math.log(self.symbols)


def loss_of_ignoring(labels: Sequence[Sequence[int]], frames: int, symbols: int) -> float:
    """Return the smallest mean CTC loss, in nats, of a network whose every frame says the same of every picture.

    Args:
        labels: classes 1..K-1.
        frames: T.
        symbols: K - 1; each is taken to be as likely as another.
    """
    best = math.inf
    highest = max((number for label in labels for number in label), default=0)  # they may be some of a larger set
    for blank in BLANK_SHARES:
        frame = np.full(1 + max(symbols, highest), (1 - blank) / symbols)
        frame[0] = blank
        probabilities = label_probabilities(np.broadcast_to(frame, (len(labels), frames, len(frame))), labels)
        with np.errstate(divide="ignore"):  # a label that does not fit has no probability
            best = min(best, float(-np.log(probabilities).mean()))
    return best


def fixed_loss_of_ignoring(labels: Sequence[Sequence[int]], positions: int) -> float:
    """Return the smallest mean loss of a fixed head, in nats, of a network that says the same of every picture.

    It knows how often each class stands at each position: the mean over the positions of that entropy.

    Args:
        labels: classes 1..K-1.
        positions: P; behind a label stands class 0.
    """
    padded = [[*label, *[0] * positions][:positions] for label in labels]
    counts = [np.unique(column, return_counts=True)[1] / len(padded) for column in zip(*padded, strict=True)]
    return float(np.mean([-(share * np.log(share)).sum() for share in counts]))


def diagnose(vitals: Vitals, *, over: bool = False) -> str:
    """Return the measurements and what they mean, for a person.

    Args:
        vitals: what was measured.
        over: the training has ended, so that waiting is no advice.
    """
    per_symbol = _frames_per_symbol(vitals)
    known = room = ""
    if per_symbol is not None:
        known = (
            f" ({vitals.length:.1f} symbols x log {vitals.symbols} = {vitals.guessing:.2f} if only their places were "
            "known)"
        )
        room = (
            f"{per_symbol:.1f} frames per symbol and gap of the longest label ({vitals.frames} for {vitals.needed}); "
        )
    measured = (
        f"after {vitals.step:,} steps every picture reads as nothing: loss {vitals.loss:.2f} nats, where ignoring the "
        f"pictures costs {vitals.ignoring:.2f}{known}; gradient norm {vitals.gradient:.2g}; {room}learning rate "
        f"{vitals.rate:.2g}"
    )
    return f"{measured}. {' '.join(causes(vitals) or [_no_cause(vitals, over=over)])}"


def causes(vitals: Vitals) -> list[str]:
    """Return what was measured that keeps a network from learning, each with what to do; empty if all is sound."""
    found = []
    per_symbol = _frames_per_symbol(vitals)
    if not math.isfinite(vitals.loss) or not math.isfinite(vitals.gradient):
        found.append("The loss is no number any more: lower Trains.LearningRate.")
    if per_symbol is not None and per_symbol < FEW_FRAMES:
        found.append(
            "There are too few frames for the labels: NeuralNet.Geometry wide, or a larger Pretreatment.Resize."
        )
    found += rate_causes(vitals.rate, vitals.usual)
    if vitals.gradient < SMALL_GRADIENT:
        found.append("Almost no gradient comes back: the network is stuck; start afresh with a lower LearningRate.")
    if math.isfinite(vitals.gradient) and vitals.gradient > LARGE_GRADIENT:
        found.append("The gradient is huge: lower Trains.LearningRate.")
    return found


def rate_causes(rate: float, usual: float) -> list[str]:
    """Return what is wrong with a learning rate and what to do, as one sentence; empty if it is sound.

    Args:
        rate: learning rate.
        usual: with the same optimizer.
    """
    if rate > HIGH_RATE * usual:
        return [f"The learning rate is high, for {usual:g} is usual with this optimizer: lower Trains.LearningRate."]
    if rate < LOW_RATE * usual:
        return [
            f"The learning rate is so low that little can change, for {usual:g} is usual with this optimizer: raise "
            "Trains.LearningRate, or leave it out."
        ]
    return []


def _frames_per_symbol(vitals: Vitals) -> float | None:
    return None if vitals.frames is None else vitals.frames / max(1, vitals.needed)


def _no_cause(vitals: Vitals, *, over: bool) -> str:
    longer = "train longer (Trains.MaxEpochs)" if over else "wait"
    if vitals.frames is not None and abs(vitals.loss - vitals.guessing) < NEAR_GUESSING * vitals.guessing:
        known = "The places of the symbols are known by now, and none of the symbols"
        if vitals.recurrent:
            return (
                f"{known}. A recurrent part can find places by counting frames, and may stay there for long; with "
                f"NeuralNet.RecurrentNetwork: None each frame has to look at the picture. Try that, or {longer}."
            )
        return f"{known}: {longer}."
    if vitals.loss < LEARNED_NOTHING * vitals.ignoring:
        return f"The loss is below that of ignoring the pictures, so it is learning: {longer}."
    return (
        "What was measured is sound, but nothing is learned from the pictures yet: look at `trainer preview`, "
        f"whether labels and pictures belong together and the text can still be seen; if so, {longer}."
    )
