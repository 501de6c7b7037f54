"""How many frames a network makes of a width, against known figures and against Keras's own shape inference."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.config import NeuralNetSection
from trainer.framework import import_keras
from trainer.network.geometry import frames, rows, smallest_width

WIDE = NeuralNetSection()
SEED = NeuralNetSection(Geometry="seed")
DENSE = NeuralNetSection(CNNNetwork="DenseNet")
VGG = NeuralNetSection(CNNNetwork="VGG")

counts = st.integers(1, 3)
plans = st.fixed_dictionaries(
    {
        "PoolPadding": st.sampled_from(["same", "valid"]),
        "Blocks": st.lists(
            st.fixed_dictionaries(
                {
                    "Filters": st.lists(st.just(1), min_size=1, max_size=2),
                    "Kernel": st.integers(1, 5),
                    "Padding": st.sampled_from(["same", "valid"]),
                    "Pool": st.lists(counts, min_size=2, max_size=2),
                }
            ),
            min_size=1,
            max_size=3,
        ),
    }
)
dense_plans = st.lists(st.just(1), min_size=1, max_size=4).map(
    lambda blocks: {"Stem": 1, "Growth": 1, "Blocks": blocks, "Transitions": [1] * (len(blocks) - 1)}
)
networks = (
    st.sampled_from(["wide", "seed"]).map(lambda name: {"Geometry": name})
    | dense_plans.map(lambda plan: {"CNNNetwork": "DenseNet", "DenseNet": plan})
    | plans.map(lambda plan: {"CNNNetwork": "VGG", "VGG": plan})
)


@pytest.mark.parametrize(
    ("network", "width", "expected"),
    [
        *[(SEED, 150, 10), (SEED, 160, 10), (SEED, 100, 7), (SEED, 120, 8), (SEED, 28, 2), (SEED, 90, 6)],
        *[(DENSE, 150, 37), (DENSE, 160, 40), (DENSE, 5, 1)],
        *[(WIDE, 160, 40), (WIDE, 70, 18), (WIDE, 1, 1)],
        *[(VGG, 150, 37), (VGG, 160, 40), (VGG, 4, 1), (VGG, 3, 0)],
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


@settings(max_examples=25)
@given(networks, st.lists(st.tuples(st.integers(30, 200), st.integers(30, 80)), min_size=3, max_size=3))
def test_the_sides_are_those_that_keras_infers(keys: dict[str, Any], sizes: list[tuple[int, int]]) -> None:
    import_keras()
    import keras  # noqa: PLC0415 - tests without a network must not wait for it

    from trainer.network.backbones import backbone  # noqa: PLC0415

    net = NeuralNetSection.model_validate(keys)
    images = keras.Input((None, None, 1))
    model = keras.Model(images, backbone(images, net))
    for width, height in sizes:
        expected = (rows(net, height), frames(net, width))
        if all(expected):
            assert model.compute_output_shape((1, height, width, 1))[1:3] == expected


@pytest.mark.parametrize("network", [WIDE, SEED, DENSE, VGG])
@pytest.mark.parametrize("needed", [1, 2, 7, 30])
def test_the_smallest_width_is_enough_and_one_less_is_not(network: NeuralNetSection, needed: int) -> None:
    width = smallest_width(network, needed)
    assert frames(network, width) >= needed
    assert width == 1 or frames(network, width - 1) < needed
