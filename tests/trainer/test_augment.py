"""Augmentation: what each key does to pictures, measured on the pictures; and what it never changes."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import small_config
from trainer.config import AugmentSection
from trainer.framework import import_keras
from trainer.training.recipe import choose
from trainer.training.strength import STRENGTHS, Strength, section_of, strength_of

Pictures = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]

COUNT, HEIGHT, WIDTH = 12, 56, 60


@pytest.fixture(scope="module", autouse=True)
def keras() -> None:
    import_keras()


@functools.cache
def traced(strength: Strength, seed: int, *shape: int) -> Any:
    """Return the function as the pipeline traces it: all but the number of pictures is known."""
    import tensorflow as tf  # noqa: PLC0415 - collecting tests must not wait for it

    from trainer.training.augment import augmenter  # noqa: PLC0415

    signature = [tf.TensorSpec((None, *shape), tf.uint8), tf.TensorSpec((), tf.int64)]
    return tf.function(augmenter(strength, seed), input_signature=signature)


def varied(strength: Strength, pictures: Pictures, step: int = 5, seed: int = 0) -> Numbers:
    images = np.asarray(traced(strength, seed, *pictures.shape[1:])(pictures, step))
    assert images.dtype == np.uint8
    assert images.shape == pictures.shape
    return images.astype(np.float64)


def flat(value: int, channels: int = 1) -> Pictures:
    return np.full((COUNT, HEIGHT, WIDTH, channels), value, np.uint8)


def noise(channels: int = 1, low: int = 60, high: int = 190) -> Pictures:
    return np.random.default_rng(0).integers(low, high, (COUNT, HEIGHT, WIDTH, channels), np.uint8)


def from_where(strength: Strength, *, projective: bool = False) -> Numbers:
    """Return the 3x3 matrix that each picture was moved by, from the middle, fitted to what became of two ramps."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramps = np.broadcast_to(np.stack([16 + 4 * x, 16 + 4 * y], axis=-1).astype(np.uint8), (COUNT, HEIGHT, WIDTH, 2))
    inside = (y >= 16) & (y < HEIGHT - 16) & (x >= 16) & (x < WIDTH - 16)
    after = np.stack([x[inside] - (WIDTH - 1) / 2, y[inside] - (HEIGHT - 1) / 2, np.ones(inside.sum())], axis=1)
    found = []
    for picture in varied(strength, ramps):
        before_x = (picture[inside, 0] - 16) / 4 - (WIDTH - 1) / 2
        before_y = (picture[inside, 1] - 16) / 4 - (HEIGHT - 1) / 2
        zero = np.zeros_like(after)
        rows = np.block([[after, zero], [zero, after]])
        before = np.concatenate([before_x, before_y])
        if projective:
            rows = np.hstack([rows, -before[:, None] * np.tile(after[:, :2], (2, 1))])
        solved, *_ = np.linalg.lstsq(rows, before, rcond=None)
        assert np.abs(rows @ solved - before).max() < 0.25  # rounding is worth an eighth of a pixel
        found.append(np.append(solved, [1] if projective else [0, 0, 1]).reshape(3, 3))
    return np.array(found)


def is_spread(values: Numbers, limit: float) -> bool:
    """Whether values fill the range from minus to plus the limit, and stay in it (but for what rounding does)."""
    return bool(np.abs(values).max() <= 1.05 * limit + 1e-3 and values.max() > limit / 3 and values.min() < -limit / 3)


IDENTITY = np.eye(3)


def rest(matrices: Numbers, *but: tuple[int, int]) -> Numbers:
    """Return by how much matrices differ from the identity, elsewhere than in these places."""
    differ = np.abs(matrices - IDENTITY)
    for place in but:
        differ[(slice(None), *place)] = 0
    return differ * [[1, 1, 0.02], [1, 1, 0.02], [20, 20, 1]]  # shifts are in pixels, leanings per pixel


def test_shift_moves_and_nothing_else() -> None:
    found = from_where(Strength(shift=0.05))
    assert is_spread(found[:, 0, 2] / WIDTH, 0.05)
    assert is_spread(found[:, 1, 2] / HEIGHT, 0.05)
    assert rest(found, (0, 2), (1, 2)).max() < 0.01


def shifted(picture: Pictures, from_x: float, from_y: float) -> Numbers:
    """Return the inner part of a picture, looked up a little beside each pixel, bilinearly."""
    y, x = np.mgrid[4 : HEIGHT - 4, 6 : WIDTH - 6]
    left, top = x + int(np.floor(from_x)), y + int(np.floor(from_y))
    right, down = from_x % 1, from_y % 1
    upper = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    lower = picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def test_a_shift_is_that_of_numpy() -> None:
    pictures, strength = noise(), Strength(shift=0.05)
    near = np.linspace(-0.15, 0.15, 13)  # what rounding hides of a shift in a ramp
    for after, before, matrix in zip(varied(strength, pictures), pictures, from_where(strength), strict=True):
        inner = after[4 : HEIGHT - 4, 6 : WIDTH - 6]
        found = [shifted(before, matrix[0, 2] + x, matrix[1, 2] + y) for x in near for y in near]
        assert min(np.abs(inner - each).mean() for each in found) < 1


def test_rotate_turns_by_degrees() -> None:
    found = from_where(Strength(rotate=6))
    angles = np.degrees(np.arctan2(found[:, 1, 0], found[:, 0, 0]))
    assert is_spread(angles, 6)
    for matrix in found:
        np.testing.assert_allclose(matrix[:2, :2] @ matrix[:2, :2].T, np.eye(2), atol=0.02)
    assert rest(found, (0, 0), (0, 1), (1, 0), (1, 1)).max() < 0.02


def test_zoom_stretches_each_side_by_itself() -> None:
    found = from_where(Strength(zoom=0.1))
    assert is_spread(found[:, 0, 0] - 1, 0.1)
    assert is_spread(found[:, 1, 1] - 1, 0.1)
    assert np.abs(found[:, 0, 0] - found[:, 1, 1]).max() > 0.03
    assert rest(found, (0, 0), (1, 1)).max() < 0.02


def test_shear_is_horizontal() -> None:
    found = from_where(Strength(shear=0.2))
    assert is_spread(found[:, 0, 1], 0.2)
    assert rest(found, (0, 1)).max() < 0.02


def test_perspective_makes_an_edge_larger() -> None:
    found = from_where(Strength(perspective=0.1), projective=True)
    assert is_spread(found[:, 2, 0] * (WIDTH - 1) / 2, 0.1)
    assert is_spread(found[:, 2, 1] * (HEIGHT - 1) / 2, 0.1)
    assert rest(found, (2, 0), (2, 1)).max() < 0.02


def test_what_comes_from_outside_repeats_the_edge() -> None:
    everything = Strength(shift=0.3, rotate=30, zoom=0.3, shear=0.3, perspective=0.2, blur=2)
    assert (varied(everything, flat(238)) == 238).all()


def test_brightness_adds_the_same_everywhere() -> None:
    pictures = noise(3)
    change = varied(Strength(brightness=40), pictures) - pictures
    assert np.ptp(change, axis=(1, 2, 3)).max() <= 1  # rounding
    assert is_spread(change.mean(axis=(1, 2, 3)), 40)
    assert varied(Strength(brightness=40), flat(250)).max() == 255
    assert varied(Strength(brightness=40), flat(3)).min() == 0


def test_contrast_stretches_around_the_mean() -> None:
    pictures = noise(low=100, high=156)
    found = varied(Strength(contrast=0.3), pictures)
    middle = pictures.mean(axis=(1, 2, 3))
    gain = found.std(axis=(1, 2, 3)) / pictures.std(axis=(1, 2, 3))
    assert is_spread(gain - 1, 0.3)
    expected = (pictures - middle[:, None, None, None]) * gain[:, None, None, None] + middle[:, None, None, None]
    assert np.abs(found - expected).max() < 1.5


def test_blur_softens_half_of_the_pictures_and_darkens_no_edge() -> None:
    pictures = noise()
    found = np.concatenate([varied(Strength(blur=1.5), pictures, step) for step in range(12)])
    softened = found.std(axis=(1, 2, 3)) / np.concatenate([pictures] * 12).std(axis=(1, 2, 3))
    assert 0.3 < (softened < 1).mean() < 0.7
    assert softened.max() == 1
    assert softened.min() < 0.5
    assert (varied(Strength(blur=1.5), flat(238)) == 238).all()


def test_noise_has_its_deviation() -> None:
    found = varied(Strength(noise=8), flat(128))
    assert abs(found.std() - 8) < 0.5
    assert abs(found.mean() - 128) < 0.5
    assert (found[0] != found[1]).any()


def test_erase_takes_a_rectangle_out_of_a_share_of_the_pictures() -> None:
    pictures = np.concatenate([noise(low=0, high=60), noise(low=200, high=256)], axis=2)  # the mean is in neither half
    changed = []
    for step in range(20):
        found = varied(Strength(erase=0.4), pictures, step)
        mean = pictures.mean(axis=(1, 2, 3))
        for picture, before, fill in zip(found, pictures, mean, strict=True):
            where = np.argwhere((picture != before)[..., 0])
            changed.append(len(where) > 0)
            if len(where):
                (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0) + 1
                assert len(where) == (bottom - top) * (right - left)
                assert np.abs(picture[top:bottom, left:right] - fill).max() <= 1
                assert 0.01 < len(where) / picture.size < 0.12
    assert 0.3 < np.mean(changed) < 0.5


def test_seed_and_step_decide_and_each_picture_differs() -> None:
    everything = Strength(0.05, 5, 0.1, 0.1, 0.05, 1.0, 4.0, 20.0, 0.2, 0.5)
    pictures = flat(200)
    pictures[:, 8:16, 20:40] = 20
    first = varied(everything, pictures, step=7, seed=3)
    np.testing.assert_array_equal(varied(everything, pictures, step=7, seed=3), first)
    assert (varied(everything, pictures, step=8, seed=3) != first).any()
    assert (varied(everything, pictures, step=7, seed=4) != first).any()
    assert len({picture.tobytes() for picture in first}) == COUNT


shares = st.floats(0, 0.5)
strengths = st.builds(
    Strength,
    shift=shares,
    rotate=st.floats(0, 180),
    zoom=shares,
    shear=st.floats(0, 1),
    perspective=st.floats(0, 0.3),
    blur=st.floats(0, 5),
    noise=st.floats(0, 128),
    brightness=st.floats(0, 255),
    contrast=st.floats(0, 1),
    erase=st.floats(0, 1),
)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(strengths, st.sampled_from([1, 3]), st.integers(0, 2**32 - 1), st.integers(0, 10**7))
def test_no_strength_changes_shape_or_type(strength: Strength, channels: int, seed: int, step: int) -> None:
    pictures = noise(channels)
    assert varied(strength, pictures, step, seed).shape == pictures.shape


@pytest.mark.parametrize("channels", [1, 3])
def test_the_largest_changes_keep_shape_and_type(channels: int) -> None:
    largest = Strength(0.5, 180, 0.5, 1, 0.3, 5, 128, 255, 1, 1)
    assert len(np.unique(varied(largest, noise(channels)))) > 100


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("off", Strength()),
        (False, Strength()),  # YAML's bare off
        ("strong", STRENGTHS["strong"]),
        ("auto", STRENGTHS["light"]),
        ({}, STRENGTHS["light"]),
        ({"Preset": "off", "Shift": 0.1}, Strength(shift=0.1)),
        ({"Preset": False, "Erase": 0.1}, Strength(erase=0.1)),
        ({"Rotate": 0.0, "Blur": 1.0}, Strength(0.02, 0, 0.03, 0.05, blur=1.0, brightness=15, contrast=0.1)),
    ],
)
def test_a_single_key_overrules_the_preset(written: Any, expected: Strength) -> None:
    section = AugmentSection.model_validate(written)
    assert strength_of(section, "light", (160, 60)) == expected
    assert strength_of(section_of(expected), "strong", (160, 60)) == expected


@pytest.mark.parametrize("width", [160, 256, 512])
def test_presets_keep_the_ends_of_wide_pictures_inside(width: int) -> None:
    height, half = 32, 6
    pictures = np.zeros((200, height, width, 1), np.uint8)
    ends = [slice(16 - half, 16 + half), slice(width - 16 - half, width - 16 + half)]
    for end in ends:
        pictures[:, 16 - half : 16 + half, end] = 255
    strength = strength_of(AugmentSection(), "strong", (width, height))
    after = varied(strength, pictures).sum(axis=(1, 3)) / 255
    whole = 4 * half**2
    for columns in (after[:, : width // 2], after[:, width // 2 :]):
        assert np.median(columns.sum(axis=1)) > 0.9 * whole
        assert columns.sum(axis=1).min() > 0.5 * whole


def test_single_keys_are_meant_as_they_stand_in_wide_pictures() -> None:
    assert strength_of(AugmentSection(Preset="off", Rotate=5.0), "strong", (512, 32)) == Strength(rotate=5.0)
    usual, wide = (strength_of(AugmentSection(), "strong", (width, 50)) for width in (200, 400))
    assert usual == STRENGTHS["strong"]
    assert (wide.rotate, wide.shear) == (usual.rotate / 2, usual.shear)


def test_auto_leaves_drawn_pictures_as_they_are() -> None:
    drawn: Any = {"System": {"TrainsPath": "synthetic"}}
    assert choose(small_config(**drawn), 20_000, "float32").strength == Strength()
    assert choose(small_config(**drawn, Trains={"Augment": "light"}), 20_000, "float32").strength == STRENGTHS["light"]
