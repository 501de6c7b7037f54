"""How many frames a network makes of a width. Pure arithmetic: no tensorflow here."""

from typing import assert_never

from trainer.config import NeuralNetSection


def frames(neural_net: NeuralNetSection, width: int) -> int:
    """Return T, the number of frames that CTC aligns a label to.

    Args:
        neural_net: section `NeuralNet`.
        width: of the pictures that the network sees, in pixels.
    """
    match neural_net.CNNNetwork:
        case "CNN5":
            return _halved(width, times=2 if neural_net.Geometry == "wide" else 4)
        case "DenseNet":
            return _halved(width, times=1) // 2  # its pool drops an odd last column
        case other:
            assert_never(other)


def smallest_width(neural_net: NeuralNetSection, needed: int) -> int:
    """Return the smallest width in pixels that makes at least `needed` frames."""
    width = max(1, needed)
    while frames(neural_net, width) < needed:
        width += 1
    return width


def _halved(width: int, times: int) -> int:
    stride: int = 2**times
    return -(-width // stride)  # rounding up once comes to the same as rounding up at each halving
