"""Bytes of picture files: every format, damaged ones, and those over the limits."""

import contextlib
import functools
import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from contract.errors import DamagedPictureError, NotAPictureError, PictureError, PictureTooLargeError
from contract.formats import READERS
from contract.image import Limits, decode, to_pixels
from contract.pretreatment import Pretreatment

SIZE = (50, 30)
COLOUR = Pretreatment(ImageChannel=3)


def encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def drawing() -> Image.Image:
    """Smooth enough that a lossy format keeps it."""
    across, down = np.meshgrid(np.linspace(0, 255, SIZE[0]), np.linspace(0, 255, SIZE[1]))
    return Image.fromarray(np.dstack([across, down, 255 - across]).astype(np.uint8))


@functools.cache
def files() -> Mapping[str, bytes]:
    rgb = drawing()
    gray = rgb.convert("L")
    clear = rgb.convert("RGBA")
    clear.putalpha(gray)
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    second = Image.new("RGB", SIZE, "red")
    return {
        "PNG": encode(rgb, "PNG"),
        "PNG gray": encode(gray, "PNG"),
        "PNG transparent": encode(clear, "PNG"),
        "PNG gray transparent": encode(clear.convert("LA"), "PNG"),
        "PNG palette": encode(rgb.convert("P"), "PNG", transparency=3),
        "PNG 16 bit": encode(deep, "PNG"),
        "PNG 1 bit": encode(gray.convert("1"), "PNG"),
        "PNG animated": encode(rgb, "PNG", save_all=True, append_images=[second]),
        "JPEG": encode(rgb, "JPEG", quality=95),
        "JPEG progressive": encode(rgb, "JPEG", quality=95, progressive=True),
        "JPEG gray": encode(gray, "JPEG"),
        "JPEG CMYK": encode(rgb.convert("CMYK"), "JPEG", quality=95),
        "JPEG with notes": encode(rgb, "JPEG", exif=notes()),
        "GIF": encode(rgb.convert("P"), "GIF"),
        "GIF transparent": encode(rgb.convert("P"), "GIF", transparency=5, disposal=2),
        "GIF animated": encode(rgb.convert("P"), "GIF", save_all=True, append_images=[second.convert("P")]),
        "BMP": encode(rgb, "BMP"),
        "BMP palette": encode(rgb.convert("P"), "BMP"),
        "BMP 1 bit": encode(gray.convert("1"), "BMP"),
        "WEBP": encode(rgb, "WEBP", quality=95),
        "WEBP lossless": encode(clear, "WEBP", lossless=True),
        "WEBP animated": encode(rgb, "WEBP", save_all=True, append_images=[second]),
    }


def notes() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "a photograph"
    return exif.tobytes()


NAMES = list(files())


@pytest.mark.parametrize("name", ["PNG", "BMP", "WEBP lossless", "PNG animated"])
def test_lossless_formats_give_the_pixels_back(name: str) -> None:
    steps = Pretreatment(ImageChannel=3, ReplaceTransparent=False)
    assert np.array_equal(to_pixels(files()[name], steps, SIZE), np.asarray(drawing()))


@pytest.mark.parametrize("name", ["JPEG", "JPEG progressive", "JPEG CMYK", "WEBP", "WEBP animated"])
def test_lossy_formats_give_nearly_the_pixels_back(name: str) -> None:
    difference = to_pixels(files()[name], COLOUR, SIZE).astype(int) - np.asarray(drawing())
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("name", ["PNG gray", "PNG 16 bit"])
def test_gray_formats_give_the_pixels_back(name: str) -> None:
    assert np.array_equal(to_pixels(files()[name], Pretreatment(), SIZE)[:, :, 0], np.asarray(drawing().convert("L")))


@pytest.mark.parametrize("name", ["PNG 1 bit", "BMP 1 bit"])
def test_one_bit_formats_give_the_pixels_back(name: str) -> None:
    expected = np.asarray(drawing().convert("L").convert("1")) * 255
    assert np.array_equal(to_pixels(files()[name], Pretreatment(), SIZE)[:, :, 0], expected)


@pytest.mark.parametrize("name", ["GIF", "GIF animated", "BMP palette"])
def test_palette_formats_give_the_first_frame_back(name: str) -> None:
    expected = np.asarray(drawing().convert("P").convert("RGB"))
    assert np.array_equal(to_pixels(files()[name], COLOUR, SIZE), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_off_anywhere_gives_an_error_or_all_of_its_pixels(name: str) -> None:
    whole = files()[name]
    pixels = to_pixels(whole, COLOUR, SIZE)
    errors = 0
    for length in {*range(0, len(whole), 7), *range(60), *range(len(whole) - 20, len(whole))}:
        try:
            assert np.array_equal(to_pixels(whole[:length], COLOUR, SIZE), pixels), length
        except (DamagedPictureError, NotAPictureError):
            errors += 1
    assert errors > len(whole) // 10


@given(name=st.sampled_from(NAMES), data=st.data())
@settings(max_examples=400)
def test_a_broken_file_is_read_or_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    whole = files()[name]
    content = bytearray(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    flips = st.tuples(st.integers(0, len(whole)) | st.integers(0, 60), st.integers(0, 7))
    for position, bit in data.draw(st.lists(flips, max_size=20)):
        if position < len(content):
            content[position] ^= 1 << bit
    with contextlib.suppress(PictureError):
        assert to_pixels(bytes(content), COLOUR, (9, 5)).shape == (5, 9, 3)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"<svg/>", b"%PDF-1.7", b"RIFF\0\0\0\0WAVEfmt ", b"II*\0tiff", b"\0" * 99]
)
def test_other_bytes_are_no_picture(content: bytes) -> None:
    with pytest.raises(NotAPictureError, match="PNG, JPEG, GIF, BMP, WEBP"):
        decode(content)


def test_formats_that_are_not_listed_are_not_tried() -> None:
    for file_format in ("TIFF", "PPM", "ICO"):
        with pytest.raises(NotAPictureError):
            decode(encode(drawing(), file_format))
    assert list(READERS) == ["PNG", "JPEG", "GIF", "BMP", "WEBP"]


def test_a_palette_picture_without_palette_is_damaged() -> None:
    whole = files()["PNG palette"]
    start = whole.index(b"PLTE") - 4
    (length,) = struct.unpack_from(">I", whole, start)
    with pytest.raises(DamagedPictureError, match="palette"):
        decode(whole[:start] + whole[start + 12 + length :])


def test_broken_notes_in_a_photograph_do_not_matter() -> None:
    whole = bytearray(files()["JPEG with notes"])
    tag = whole.index(struct.pack(">HH", 0x010E, 2), whole.index(b"Exif"))
    whole[tag + 4 : tag + 12] = b"\xff" * 8  # a text of four thousand million letters, far behind the end
    assert decode(bytes(whole)).size == SIZE


def test_a_wrong_count_of_frames_does_not_matter() -> None:
    whole = files()["PNG animated"]
    start = whole.index(b"acTL")
    chunk = b"acTL" + bytes(4) + whole[start + 8 : start + 12]
    broken = whole[:start] + chunk + struct.pack(">I", zlib.crc32(chunk)) + whole[start + 16 :]
    assert np.array_equal(to_pixels(broken, COLOUR, SIZE), np.asarray(drawing()))


def test_the_limit_of_bytes_is_exact() -> None:
    content = files()["PNG"]
    assert decode(content, Limits(max_bytes=len(content))).size == SIZE
    with pytest.raises(PictureTooLargeError, match=f"{len(content):,} bytes"):
        decode(content, Limits(max_bytes=len(content) - 1))


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_of_pixels_is_exact(name: str) -> None:
    assert decode(files()[name], Limits(max_pixels=1500)).size == SIZE
    with pytest.raises(PictureTooLargeError, match="50x30 = 1,500 pixels; the limit is 1,499"):
        decode(files()[name], Limits(max_pixels=1499))


def claiming(width: int, height: int) -> dict[str, bytes]:
    """Files of a few hundred bytes whose headers claim a large size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = files()["PNG"]
    gif, bmp, webp = (bytearray(files()[name]) for name in ("GIF transparent", "BMP", "WEBP"))
    jpeg = bytearray(files()["JPEG"])
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    bmp[18:26] = struct.pack("<ii", width, height)
    screen = bytearray(gif)
    screen[6:10] = struct.pack("<HH", width, height)
    first = gif.index(struct.pack("<BHHHH", ord(","), 0, 0, *SIZE))
    gif[first + 5 : first + 9] = struct.pack("<HH", width, height)
    webp[26:30] = struct.pack("<HH", min(width, 16383), min(height, 16383))
    extended = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<II", 10, 0)
    extended += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    lossless = b"RIFF" + struct.pack("<I", 20) + b"WEBPVP8L" + struct.pack("<IB", 8, 0x2F)
    lossless += struct.pack("<I", min(width, 16384) - 1 | min(height, 16384) - 1 << 14) + bytes(3)
    return {
        "PNG": png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:],
        "JPEG": bytes(jpeg),
        "GIF screen": bytes(screen),
        "GIF frame": bytes(gif),
        "BMP": bytes(bmp),
        "WEBP": bytes(webp),
        "WEBP extended": extended,
        "WEBP lossless": lossless,
    }


@pytest.mark.parametrize("size", [(60_000, 60_000), (12_000, 10_000), (2_001, 2_000)])
@pytest.mark.parametrize("kind", claiming(1, 1))
def test_a_picture_bomb_is_refused_by_its_header(
    kind: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_args: object) -> None:
        raise AssertionError("pixels were allocated")

    monkeypatch.setattr("PIL.Image.core.new", no_memory)
    monkeypatch.setattr("PIL.Image.core.fill", no_memory)
    with pytest.raises(PictureTooLargeError, match="the limit is 4,000,000"):
        decode(claiming(*size)[kind])


FRAMES = [Image.new("L", SIZE, shade) for shade in (10, 90, 200)]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize(("number", "shade"), [(None, 10), (0, 10), (1, 90), (2, 200)])
def test_the_chosen_frame_of_an_animation_is_read(kind: str, number: int | None, shade: int) -> None:
    content = encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], lossless=True)
    pixels = to_pixels(content, Pretreatment(AnimatedFrame=number), SIZE)
    assert np.abs(pixels.astype(int) - shade).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_a_frame_that_is_not_there_is_an_error_and_a_still_picture_has_only_one(kind: str) -> None:
    steps = Pretreatment(AnimatedFrame=3)
    with pytest.raises(DamagedPictureError, match=r"no frame 3, .*Pretreatment\.AnimatedFrame"):
        to_pixels(encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:]), steps, SIZE)
    assert to_pixels(encode(drawing(), kind), steps, SIZE).shape == (30, 50, 1)


@given(data=st.data(), kind=st.sampled_from(["GIF", "PNG", "WEBP"]))
@settings(max_examples=200)
def test_a_broken_animation_is_read_or_refused_and_nothing_else(kind: str, data: st.DataObject) -> None:
    content = bytearray(encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:]))
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)))):
        content[position] = value
    with contextlib.suppress(PictureError):
        assert to_pixels(bytes(content), Pretreatment(AnimatedFrame=2), (9, 5)).shape == (5, 9, 1)


@pytest.mark.parametrize("junk", [b"", b"\1\1junk"])
def test_a_gif_that_grows_in_a_later_frame_is_refused_by_its_header(junk: bytes) -> None:
    content = encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:])
    frame = struct.pack("<BHHHH", ord(","), 0, 0, *SIZE)
    second = content.index(frame, content.index(frame) + 1)
    grown = content[:second] + junk + struct.pack("<BHHHH", ord(","), 0, 0, 60_000, 60_000) + content[second + 9 :]
    with pytest.raises(PictureTooLargeError, match="60000x60000"):
        decode(grown)
