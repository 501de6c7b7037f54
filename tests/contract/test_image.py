"""The steps from a decoded picture to pixels, against plain numpy."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from contract.image import pretreat
from contract.pixels import Pixels
from contract.pretreatment import Pretreatment

Array = npt.NDArray[Any]
PLAIN = Pretreatment()
COLOUR = Pretreatment(ImageChannel=3)
small_gray = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def as_it_is(image: Image.Image, steps: Pretreatment = PLAIN) -> Pixels:
    return pretreat(image, steps, image.size)


def luma(rgb: Array) -> Array:
    return rgb[..., :3].astype(float) @ [0.299, 0.587, 0.114]


def on_white(rgba: Array) -> Array:
    alpha = rgba[..., 3:] / 255
    return rgba[..., :3] * alpha + 255 * (1 - alpha)


def windows(gray: Array, size: int, edge: Literal["edge", "reflect"]) -> Array:
    """The neighbourhood of each pixel, [H, W, size, size]."""
    padded = np.pad(gray, size // 2, mode=edge)
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size))


def half_pixel_bilinear(gray: Array, width: int, height: int) -> Array:
    def along(length: int, target: int) -> tuple[Array, Array, Array]:
        centre = (np.arange(target) + 0.5) * length / target - 0.5
        low = np.floor(centre).astype(int)
        return np.clip(low, 0, length - 1), np.clip(low + 1, 0, length - 1), centre - low

    top, bottom, down = along(gray.shape[0], height)
    left, right, across = along(gray.shape[1], width)
    rows = gray[top] * (1 - down)[:, None] + gray[bottom] * down[:, None]
    result: Array = rows[:, left] * (1 - across) + rows[:, right] * across
    return result


@given(hnp.arrays(np.uint8, (5, 7, 3)))
def test_gray_is_the_luma_of_itu_r_601(rgb: Array) -> None:
    assert np.abs(as_it_is(Image.fromarray(rgb))[:, :, 0] - luma(rgb)).max() <= 1


@given(hnp.arrays(np.uint8, (4, 6, 3)))
def test_three_channels_are_red_green_blue(rgb: Array) -> None:
    assert np.array_equal(as_it_is(Image.fromarray(rgb), COLOUR), rgb)


@given(hnp.arrays(np.uint8, (4, 6, 4)))
def test_transparency_becomes_white(rgba: Array) -> None:
    assert np.abs(as_it_is(Image.fromarray(rgba), COLOUR) - on_white(rgba)).max() <= 1
    assert np.abs(as_it_is(Image.fromarray(rgba))[:, :, 0] - luma(on_white(rgba))).max() <= 2


@given(hnp.arrays(np.uint8, (4, 6, 4)))
def test_transparency_is_dropped_on_request(rgba: Array) -> None:
    steps = Pretreatment(ImageChannel=3, ReplaceTransparent=False)
    assert np.array_equal(as_it_is(Image.fromarray(rgba), steps), rgba[:, :, :3])


@given(hnp.arrays(np.uint8, (4, 6, 2)))
def test_gray_with_transparency(gray_alpha: Array) -> None:
    image = Image.merge("LA", [Image.fromarray(np.ascontiguousarray(gray_alpha[:, :, band])) for band in (0, 1)])
    gray, alpha = gray_alpha[:, :, 0].astype(float), gray_alpha[:, :, 1] / 255
    assert np.abs(as_it_is(image)[:, :, 0] - (gray * alpha + 255 * (1 - alpha))).max() <= 1
    assert np.array_equal(as_it_is(image, Pretreatment(ReplaceTransparent=False))[:, :, 0], gray)


@given(hnp.arrays(np.uint8, (4, 6), elements=st.integers(0, 3)), hnp.arrays(np.uint8, (4, 4)))
def test_palette_with_transparency(indices: Array, palette: Array) -> None:
    image = Image.frombytes("P", (6, 4), indices.tobytes())
    image.putpalette(palette[:, :3].tobytes())
    assert np.array_equal(as_it_is(image, COLOUR), palette[indices][:, :, :3])
    image.info["transparency"] = palette[:, 3].tobytes()
    assert np.abs(as_it_is(image, COLOUR) - on_white(palette[indices])).max() <= 1
    dropped = as_it_is(image, Pretreatment(ImageChannel=3, ReplaceTransparent=False))
    assert np.array_equal(dropped, palette[indices][:, :, :3])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_one_transparent_colour(mode: str) -> None:
    image = Image.new(mode, (3, 1), 7 if mode == "L" else (7, 7, 7))
    image.putpixel((1, 0), 9 if mode == "L" else (9, 9, 9))
    image.info["transparency"] = 9 if mode == "L" else (9, 9, 9)
    assert as_it_is(image)[0, :, 0].tolist() == [7, 255, 7]
    assert as_it_is(image, Pretreatment(ReplaceTransparent=False))[0, :, 0].tolist() == [7, 9, 7]


@given(hnp.arrays(np.uint16, (3, 5)))
def test_sixteen_bit_gray_is_scaled(deep: Array) -> None:
    image = Image.fromarray(deep)
    assert np.array_equal(as_it_is(image)[:, :, 0], deep // 256)
    image.info["transparency"] = int(deep[0, 0])
    assert np.array_equal(as_it_is(image)[:, :, 0], np.where(deep == deep[0, 0], 255, deep // 256))


def test_one_bit_is_black_and_white() -> None:
    image = Image.fromarray(np.array([[True, False, True]]))
    assert as_it_is(image)[0, :, 0].tolist() == [255, 0, 255]


@given(small_gray, st.integers(1, 254))
def test_binaryzation_keeps_what_is_above_the_threshold(gray: Array, threshold: int) -> None:
    result = as_it_is(Image.fromarray(gray), Pretreatment(Binaryzation=threshold))
    assert np.array_equal(result[:, :, 0], np.where(gray > threshold, 255, 0))


@given(small_gray, st.integers(1, 7))
def test_smoothing_is_the_median_with_repeated_edges(gray: Array, size: int) -> None:
    odd = size if size % 2 else size + 1
    result = as_it_is(Image.fromarray(gray), Pretreatment(Smoothing=size))
    assert np.array_equal(result[:, :, 0], np.median(windows(gray, odd, "edge"), axis=(2, 3)))


@given(hnp.arrays(np.uint8, st.tuples(st.integers(4, 9), st.integers(4, 9))), st.integers(1, 7))
def test_blur_is_gaussian_with_mirrored_edges(gray: Array, size: int) -> None:
    odd = size if size % 2 else size + 1
    sigma = 0.3 * ((odd - 1) * 0.5 - 1) + 0.8  # OpenCV's for sigma 0; its kernels up to 7 are dyadic roundings of it
    line = np.exp(-((np.arange(odd) - odd // 2) ** 2) / (2 * sigma**2))
    line = {3: np.array([1, 2, 1]), 5: np.array([1, 4, 6, 4, 1]), 7: np.array([2, 7, 14, 18, 14, 7, 2])}.get(odd, line)
    kernel = np.outer(line, line) / line.sum() ** 2
    result = as_it_is(Image.fromarray(gray), Pretreatment(Blur=size))
    assert np.abs(result[:, :, 0] - (windows(gray, odd, "reflect") * kernel).sum(axis=(2, 3))).max() <= 1


@given(small_gray, st.integers(1, 20), st.integers(1, 20))
def test_resize_is_bilinear_between_pixel_centres(gray: Array, width: int, height: int) -> None:
    result = pretreat(Image.fromarray(gray), PLAIN, (width, height))
    assert np.abs(result[:, :, 0] - half_pixel_bilinear(gray, width, height)).max() <= 1


def test_pad_keeps_the_ratio_and_fills_with_the_median() -> None:
    wide = np.full((10, 40), 200, np.uint8)
    wide[:, :10] = 0
    result = pretreat(Image.fromarray(wide), Pretreatment(Fit="pad"), (20, 30))[:, :, 0]
    assert np.abs(result[:5] - half_pixel_bilinear(wide, 20, 5)).max() <= 1
    assert (result[5:] == 200).all()


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 30), st.integers(1, 30))
def test_pad_fits_every_size(width: int, height: int, to_width: int, to_height: int) -> None:
    image = Image.new("RGB", (width, height), (1, 2, 3))
    result = pretreat(image, Pretreatment(ImageChannel=3, Fit="pad"), (to_width, to_height))
    assert result.shape == (to_height, to_width, 3)
    assert (result == [1, 2, 3]).all()


def test_steps_run_in_the_documented_order() -> None:
    gray = np.random.default_rng(5).integers(0, 256, (12, 16), dtype=np.uint8)
    together = pretreat(Image.fromarray(gray), Pretreatment(Binaryzation=99, Smoothing=3, Blur=5), (20, 10))
    step = gray
    for one in (Pretreatment(Binaryzation=99), Pretreatment(Smoothing=3), Pretreatment(Blur=5)):
        step = as_it_is(Image.fromarray(step), one)[:, :, 0]
    assert np.array_equal(together, pretreat(Image.fromarray(step), PLAIN, (20, 10)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize(
    "steps",
    [
        {},
        {"Binaryzation": 100},
        {"Smoothing": 5, "Blur": 4},
        {"Fit": "pad"},
        {"Smoothing": 31, "Blur": 31, "ReplaceTransparent": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(13, 8), (8, 13), (1, 1)])
def test_pixels_are_always_uint8_height_width_channels_in_c_order(
    channels: Literal[1, 3], mode: str, steps: dict[str, Any], size: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (8, 13, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    result = pretreat(image, Pretreatment(ImageChannel=channels, **steps), size)
    assert result.shape == (size[1], size[0], channels)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
