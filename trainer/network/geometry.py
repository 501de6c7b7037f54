"""How many frames a network makes of a width. Pure arithmetic: no tensorflow here."""

from typing import assert_never

from trainer.config import NeuralNetSection
from trainer.config.backbones import DenseNetSection, VGGSection

WIDTH, HEIGHT = 0, 1  # places in a size, a pool or a resize

# How often the pools of CNN5 halve (width, height).
CNN5_HALVINGS = {"wide": (2, 5), "seed": (4, 4)}


def frames(neural_net: NeuralNetSection, width: int) -> int:
    """Return T, the number of frames that CTC aligns a label to; 0 if the network leaves nothing of the width.

    Args:
        neural_net: section `NeuralNet`.
        width: of the pictures that the network sees, in pixels.
    """
    return _left(neural_net, width, WIDTH)


def rows(neural_net: NeuralNetSection, height: int) -> int:
    """Return H', how many rows of features a frame has; as `frames`, for the height."""
    return _left(neural_net, height, HEIGHT)


def smallest_width(neural_net: NeuralNetSection, needed: int) -> int:
    """Return the smallest width in pixels that makes at least `needed` frames."""
    width = max(1, needed)
    while frames(neural_net, width) < needed:
        width += 1
    return width


def _left(net: NeuralNetSection, side: int, axis: int) -> int:
    match net.CNNNetwork:
        case "CNN5":
            return _halved(side, CNN5_HALVINGS[net.Geometry][axis])
        case "DenseNet":
            return _of_dense_net(net.DenseNet, side, axis)
        case "VGG":
            return _of_vgg(net.VGG, side, axis)
        case other:
            assert_never(other)


def _of_dense_net(plan: DenseNetSection, side: int, axis: int) -> int:
    side = _halved(side, times=1)
    if plan.Transitions:
        side //= 2  # its pool drops an odd last column
    return side if axis == WIDTH else _halved(side, max(0, len(plan.Transitions) - 1))


def _of_vgg(plan: VGGSection, side: int, axis: int) -> int:
    for block in plan.Blocks:
        side = max(0, side - block.paddings.count("valid") * (block.Kernel - 1))
        pool = block.Pool[axis]
        side = -(-side // pool) if plan.PoolPadding == "same" else side // pool
    return side


def _halved(side: int, times: int) -> int:
    stride: int = 2**times
    return -(-side // stride)  # rounding up once comes to the same as rounding up at each halving
