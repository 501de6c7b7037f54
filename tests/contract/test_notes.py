"""What a file says beside its pixels is bounded before any decoder reads it."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from contract.errors import PictureError, PictureTooLargeError
from contract.image import decode
from contract.notes import MOST_CHUNKS, MOST_JUNK, MOST_PIECES, MOST_SCANS, MOST_SEGMENTS, MOST_TEXTS, too_many


def saved(kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(buffer, kind, **settings)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_with(more: bytes) -> bytes:
    content = saved("PNG")
    return content[:33] + more + content[33:]


def jpeg_with(more: bytes) -> bytes:
    content = saved("JPEG")
    return content[:20] + more + content[20:]  # behind JFIF


def jpeg_of_scans(more: int) -> bytes:
    content = saved("JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * more + content[-2:]


def hidden_scans(more: int) -> bytes:
    """As `jpeg_of_scans`, with what looks like the end of the picture inside a comment before them."""
    content = jpeg_of_scans(more)
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)
    return content[:second] + b"\xff\xfe\0\4\xff\xd9" + content[second:]


EXIF = b"\xff\xe1" + struct.pack(">H", 12) + b"Exif\0\0" + bytes(4)
PROFILE = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(1_000_000)))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (jpeg_with(EXIF * MOST_SEGMENTS), "segments before its pixels"),
        (jpeg_with(b"\xff\xfe\0\2" * MOST_SEGMENTS), "segments before its pixels"),
        (jpeg_with(bytes(MOST_JUNK + 1)), "bytes between its segments"),
        (jpeg_with(b"\xff" * (MOST_JUNK + 2)), "bytes between its segments"),
        (jpeg_with(b"\xff\0" * (MOST_JUNK + 2)), "bytes between its segments"),
        (saved("JPEG")[:2] + b"\xff" + bytes(MOST_JUNK * 2), "bytes between its segments"),
        (jpeg_with(b"\xff\xd9" + EXIF * MOST_SEGMENTS), "segments before its pixels"),  # Pillow reads on behind the end
        (jpeg_with((b"\xff\xc8\xff\xff" + EXIF) * MOST_SEGMENTS), "segments before its pixels"),
        (jpeg_of_scans(MOST_SCANS), "scans"),
        (png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b")) * (MOST_TEXTS + 1)), "compressed texts"),
        (png_with(chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"b")) * (MOST_TEXTS + 1)), "compressed texts"),
        (hidden_scans(MOST_SCANS), "scans"),
        (saved("JPEG")[:-2] + b"\xff\xfe\0\2" * 400, "segments between its pixels"),
        (png_with(PROFILE * 2), "more than one colour profile"),
        (png_with(chunk(b"tEXt", b"a\0b") * MOST_CHUNKS), "chunks beside its pixels"),
        (png_with(chunk(b"IDAT") * MOST_PIECES), "chunks of pixels"),
    ],
)
def test_too_many_notes_are_refused(content: bytes, problem: str) -> None:
    with pytest.raises(PictureTooLargeError, match=f"{problem}: save it without metadata"):
        decode(content)


def test_what_cameras_and_editors_write_is_read() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010E] = "a meter" * 1000
    notes = PngInfo()
    for number in range(20):
        notes.add_text(f"note {number}", "text" * 100)
    for content in (
        saved("JPEG", icc_profile=profile, exif=exif, comment=b"hello" * 100, progressive=True),
        jpeg_with((b"\xff\xe2" + struct.pack(">H", 65535) + bytes(65533)) * 20),
        jpeg_with(b"\xff" * 100),
        saved("PNG", icc_profile=profile, exif=exif, pnginfo=notes),
        saved("PNG") + bytes(20_000),
        saved("JPEG") + bytes(20_000),
        jpeg_of_scans(20),
        saved("JPEG") + b"\xff\xda" * (MOST_SCANS + 1),  # as in a film behind the picture
        png_with(chunk(b"iTXt", b"a\0\0\0\0\0b") * (MOST_TEXTS + 1)),
    ):
        assert decode(content).size == (30, 20)


@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "GIF", None]))
def test_any_bytes_are_looked_through(content: bytes, name: str | None) -> None:
    assert too_many(name, content) == ""  # so few cannot be too many


PIECES = [EXIF, b"\xff\xd9", b"\xff\xc8", b"\xff\xfe\0\2", b"\xff\xf0\xff\xfe", b"\0"]


@given(st.lists(st.sampled_from(PIECES), max_size=400))
def test_no_order_of_segments_hides_those_that_pillow_joins(parts: list[bytes]) -> None:
    content = jpeg_with(b"".join(parts))
    try:
        joined = len(decode(content).info.get("exif", b"")) // 4
    except PictureError:
        return
    assert joined <= MOST_SEGMENTS
