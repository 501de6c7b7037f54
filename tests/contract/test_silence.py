"""Where strangers send pictures no library prints about them: the fast way is left to those that cannot be damaged."""

import zlib

import numpy as np
import pytest

from contract import image, plain
from contract.errors import PictureError
from tests.contract.test_plain import COLOUR, JPEG, PIXELS, PNG, chunk, png, rows

DAMAGES = 400
SIZE = (31, 17)


def damaged(random: np.random.Generator) -> bytes:
    """Return a PNG whose checksums are right around data that is wrong, or a picture with some bytes changed."""
    if random.integers(3):
        raw = bytearray(rows(0, 9, 7, int(random.integers(1000))))
        raw[10 * random.integers(7)] = random.integers(8)  # filters up to 4 are known
        stream = bytearray(zlib.compress(raw, int(random.integers(10))))
        for _ in range(random.integers(3)):
            stream[random.integers(len(stream))] = random.integers(256)
        return png(0, 9, 7, bytes(stream[: len(stream) - random.integers(2)]))
    content = bytearray(JPEG if random.integers(2) else PNG)
    content[random.integers(len(content))] = random.integers(256)
    return bytes(content)


def test_nothing_is_printed_of_a_damaged_picture_that_is_read_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(3)
    fast = 0
    for _ in range(DAMAGES):
        content = damaged(random)
        fast += plain.decode(content, PIXELS, silent=True) is not None
        try:
            pixels = image.to_pixels(content, COLOUR, SIZE, silent=True)
        except PictureError:
            continue
        np.testing.assert_array_equal(pixels, image.pretreat(image.decode(content), COLOUR, SIZE))
    assert capfd.readouterr().err == ""
    assert DAMAGES / 20 < fast < DAMAGES


def test_a_file_of_many_chunks_and_one_of_many_pixels_are_left_to_pil() -> None:
    empty, side = chunk(b"IDAT", b""), 257
    assert plain.decode(PNG[:33] + empty * 100 + PNG[33:], PIXELS, silent=True) is None
    assert plain.decode(PNG[:33] + empty * 10 + PNG[33:], PIXELS, silent=True) is not None
    large = png(0, side, side, zlib.compress(bytes(side * (side + 1))))
    assert plain.decode(large, PIXELS, silent=True) is not None
    assert image._plain(large, image.DEFAULT_LIMITS) is not None
    assert image._plain(large, image.DEFAULT_LIMITS, silent=True) is None


def test_a_jpeg_is_left_to_pil_and_a_png_is_not() -> None:
    assert plain.decode(JPEG, PIXELS, silent=True) is None
    assert plain.decode(PNG, PIXELS, silent=True) is not None
