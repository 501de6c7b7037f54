"""Damage of PNG files that decoders say nothing of."""

import io

import numpy as np
import pytest
from PIL import Image

from trainer.dataset.wholeness import damage


@pytest.fixture(scope="module")
def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 20, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_whole_file_has_none(png: bytes) -> None:
    assert damage(png) == ""
    assert damage(png + b"behind the end") == ""
    assert damage(b"\xff\xd8\xff no PNG") == ""


def test_every_cut_and_every_flipped_bit_is_noticed(png: bytes) -> None:
    for position in range(8, len(png)):
        assert damage(png[:position]).startswith("cut off")
        flipped = png[:position] + bytes([png[position] ^ 16]) + png[position + 1 :]
        assert damage(flipped), f"byte {position}"
