import math

import pytest

from trainer.config import NeuralNetSection
from trainer.network.geometry import frames, smallest_width

WIDE = NeuralNetSection()
SEED = NeuralNetSection(Geometry="seed")
DENSE = NeuralNetSection(CNNNetwork="DenseNet")


@pytest.mark.parametrize(
    ("network", "width", "expected"),
    [
        *[(SEED, 150, 10), (SEED, 160, 10), (SEED, 100, 7), (SEED, 120, 8), (SEED, 28, 2), (SEED, 90, 6)],
        *[(DENSE, 150, 37), (DENSE, 160, 40), (DENSE, 5, 1)],
        *[(WIDE, 160, 40), (WIDE, 70, 18), (WIDE, 1, 1)],
    ],
)
def test_frames_of_known_widths(network: NeuralNetSection, width: int, expected: int) -> None:
    assert frames(network, width) == expected


@pytest.mark.parametrize(("network", "pools"), [(WIDE, 2), (SEED, 4)])
def test_frames_are_what_pools_with_padding_leave(network: NeuralNetSection, pools: int) -> None:
    for width in range(1, 300):
        left = width
        for _ in range(pools):
            left = math.ceil(left / 2)
        assert frames(network, width) == left


@pytest.mark.parametrize("network", [WIDE, SEED, DENSE])
@pytest.mark.parametrize("needed", [1, 2, 7, 30])
def test_the_smallest_width_is_enough_and_one_less_is_not(network: NeuralNetSection, needed: int) -> None:
    width = smallest_width(network, needed)
    assert frames(network, width) >= needed
    assert width == 1 or frames(network, width - 1) < needed
