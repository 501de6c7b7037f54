"""The size by which a picture finds its model is the one that it is decoded to."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import PictureError, PictureTooLargeError
from contract.image import Limits, decode, size_of
from tests.contract.test_picture_files import claiming, files
from tests.contract.test_plain import png

FILES = files()
SMALL = Limits(max_bytes=100_000, max_pixels=10_000)


def read_size(content: bytes) -> tuple[int, int] | None:
    try:
        return decode(content, SMALL).size
    except PictureError:
        return None


@pytest.mark.parametrize("name", FILES)
def test_whole_files_have_the_size_of_their_pixels(name: str) -> None:
    assert size_of(FILES[name], SMALL) == read_size(FILES[name])


@given(st.sampled_from([name for name in FILES if name.startswith("PNG")]), st.data())
def test_a_header_that_is_broken_gives_no_size_but_the_one_that_is_read(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    content[data.draw(st.integers(0, 33))] = data.draw(st.integers(0, 255))
    read = read_size(bytes(content))
    try:
        size = size_of(bytes(content), SMALL)
    except PictureError:
        assert read is None
    else:
        assert read in {None, size}


def test_of_two_headers_the_one_counts_that_is_read() -> None:
    small, large = (png(0, side, side, zlib.compress(bytes(side * (side + 1)))) for side in (5, 90))
    both = small[:33] + large[8:]
    assert size_of(both, SMALL) == read_size(both) == (90, 90)


@pytest.mark.parametrize("name", claiming(1, 1))
def test_more_pixels_than_the_limit_are_refused(name: str) -> None:
    with pytest.raises(PictureTooLargeError, match="200x51"):
        size_of(claiming(200, 51)[name], SMALL)
