"""A fast way for the files that nearly every set is made of: whole, plain PNG and JPEG. All others are PIL's.

OpenCV decodes these with less work around the decoder, into the same pixels: JPEG by the same library (libjpeg-turbo)
with the same settings, PNG because it is lossless. Where the two would differ in what they make of a file (metadata
that turns a picture, colour by a palette, deep colours, transparency, several frames, damage), it is not plain.

The libraries behind OpenCV print what they do not like to stderr, which PIL's do not. Only the chunks of a PNG are
checked for that beforehand: where the compressed data is damaged under checksums that are right, libpng may print a
line, and for a damaged JPEG so may libjpeg.
"""

import functools
import re
import struct
from typing import NamedTuple

import cv2
import deflate
import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.uint8]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JFIF_START = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"

# For callers that mind memory: of a large picture, the copies that are made on the way (RGB, and for gray in single
# precision) take several times what PIL takes, and the time that is saved around the decoder no longer counts.
MAX_PIXELS = 1 << 18
MAX_SILENT_PIXELS = 1 << 16  # where strangers send many at once: with a megabyte for each of them

# PIL hands a decoder at most so much at a time, which decides what the decoder makes of damaged data.
MAX_JPEG_BYTES = 65536

_CHANNELS = {0: 1, 2: 3, 6: 4}  # of the colour types of PNG read here: gray, RGB, RGBA
_RGBA = 6

# Of zlib: a window of 32 KiB, which nothing can point behind. libpng looks closer at smaller ones than libdeflate does.
_LARGEST_WINDOW = 0x78
_LAST_FILTER = 4  # of a PNG's lines
_STORED_BYTES = 65535  # at most, in one block that is not compressed

_MOST_CHUNKS = 64  # each costs time and memory, and most files have a handful
_HEADER_END = 33  # bytes of signature and header
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_CHUNK, _PNG_HEADER = struct.Struct(">I4s"), struct.Struct(">IIBBBBB")
_CHUNK_DATA = {  # none of this changes a pixel, or makes libpng print a warning
    b"IHDR": re.compile(rb"(?s:.{13})"),
    b"pHYs": re.compile(rb"(?s:.{9})"),
    b"gAMA": re.compile(rb"(?s:[\x00-\x7f].{3})"),
    b"sRGB": re.compile(rb"[\x00-\x03]"),
    b"IDAT": re.compile(rb"(?s:.*)"),
    b"IEND": re.compile(rb""),
}
_CHUNK_ORDER = re.compile(rb"(?!.*(pHYs|gAMA|sRGB).*\1)IHDR(?:pHYs|gAMA|sRGB)*(?:IDAT)+IEND")  # twice makes it warn

_SOF0, _SOS, _DQT = 0xC0, 0xDA, 0xDB
_SCAN = b"\xff\xda"
_JPEG_HARMLESS = frozenset({_DQT, 0xC4, 0xDD, 0xE0, 0xFE})  # tables, restarts, JFIF, comments
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # but for stuffing and restarts, which stand inside the data

# Luma of ITU-R 601-2 in 16 binary places, as PIL rounds it. Every sum of products is a multiple of 2^-16 below 2^8, so
# that 24 bits hold it and single precision makes no error, in whatever order it adds.
_LUMA = np.array([[19595 / 65536, 38470 / 65536, 7471 / 65536, 0.5]], np.float32)


def decode(content: bytes, max_pixels: int, *, silent: bool = False) -> Colours | None:
    """Decode a plain picture.

    Args:
        content: the file's bytes.
        max_pixels: larger pictures are not decoded.
        silent: leave out those of which a library might print something if they are damaged.

    Returns:
        RGB, uint8 [H, W, 3], the same as PIL's; None if the file is not plain, or may be damaged.
    """
    if content.startswith(PNG_SIGNATURE):
        png = _plain_png(content, max_pixels)
        if png is None:
            return None
        inflated = _inflated(content, png)
        if inflated is None and silent:
            return None
        content = inflated or content
        return _opaque(_decoded(content, cv2.IMREAD_UNCHANGED)) if png.colour == _RGBA else _colours(content)
    if not silent and content.startswith(JFIF_START) and _is_plain_jpeg(content, max_pixels):
        return _colours(content)
    return None


def gray(colours: Colours) -> Colours:
    """Return uint8 [H, W] of RGB, uint8 [H, W, 3], to the bit as PIL's `convert("L")` does."""
    return np.asarray(cv2.transform(colours.astype(np.float32), _LUMA)).astype(np.uint8)


def _colours(content: bytes) -> Colours | None:
    return _decoded(content, cv2.IMREAD_COLOR_RGB)


def _decoded(content: bytes, flags: int) -> Colours | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _opaque(pixels: Colours | None) -> Colours | None:
    """Return the RGB of BGRA; None where anything can be seen through."""
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4 or pixels[:, :, 3].min() < 255:
        return None
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)


class _Png(NamedTuple):
    """What matters of a plain PNG: its colour type, its size in pixels, and its compressed data."""

    colour: int
    width: int
    height: int
    data: bytes


def _plain_png(content: bytes, max_pixels: int) -> _Png | None:
    """Look into a PNG of nothing but header, harmless chunks, pixels and end; None if it is another one."""
    view, position = memoryview(content), len(PNG_SIGNATURE)
    names: list[bytes] = []
    data: list[memoryview] = []
    while position + 12 <= len(content) and len(names) < _MOST_CHUNKS:
        length, name = _CHUNK.unpack_from(content, position)
        end = position + 8 + length
        as_written = deflate.crc32(view[position + 4 : end]) == int.from_bytes(content[end : end + 4], "big")
        harmless = _CHUNK_DATA.get(name)
        if not as_written or harmless is None or not harmless.fullmatch(content, position + 8, end):
            return None
        names.append(name)
        if name == b"IDAT":
            data.append(view[position + 8 : end])
        position = end + 4
    if position != len(content) or not _CHUNK_ORDER.fullmatch(b"".join(names)):
        return None
    width, height, depth, colour, compression, filtering, interlace = _PNG_HEADER.unpack_from(content, 16)
    plain = depth == 8 and colour in _CHANNELS and not (compression or filtering or interlace)
    return _Png(colour, width, height, b"".join(data)) if plain and 0 < width * height <= max_pixels else None


def _inflated(content: bytes, png: _Png) -> bytes | None:
    """Return a PNG of the same pixels that is not compressed; None where its data is not just its lines.

    libpng has zlib inflate one line after the other, which takes three times as long as libdeflate for all. libdeflate
    passes some odd code tables that zlib refuses; the lines are whole even so, and their checksum is right.
    """
    line = 1 + png.width * _CHANNELS[png.colour]  # begins with the number of its filter
    length = png.height * line
    if not png.data.startswith(bytes([_LARGEST_WINDOW])):
        return None
    try:
        lines = memoryview(deflate.zlib_decompress(png.data, length))
    except deflate.DeflateError:
        return None
    if len(lines) != length or max(lines[::line]) > _LAST_FILTER:
        return None
    blocks = [part for start in range(0, length, _STORED_BYTES) for part in _stored(lines, start)]
    data = b"".join([b"IDAT\x78\x01", *blocks, deflate.adler32(lines).to_bytes(4, "big")])
    check = deflate.crc32(data).to_bytes(4, "big")
    return b"".join([content[:_HEADER_END], (len(data) - 4).to_bytes(4, "big"), data, check, _PNG_END])


def _stored(lines: memoryview, start: int) -> tuple[bytes, memoryview]:
    """Return the head of a block of deflate that is not compressed, and the block."""
    block = lines[start : start + _STORED_BYTES]
    is_last = start + _STORED_BYTES >= len(lines)
    return struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF), block


def _is_plain_jpeg(content: bytes, max_pixels: int) -> bool:
    """Return whether this is a baseline JPEG of one scan that ends where the file ends."""
    if len(content) > MAX_JPEG_BYTES or not content.endswith(b"\xff\xd9"):
        return False
    data = _jpeg_data(content[: content.find(_SCAN) + 5], max_pixels)
    found = _JPEG_MARKER.search(content, data) if data else None
    return found is not None and found.start() == len(content) - 2


@functools.lru_cache(maxsize=64)  # the pictures of one source begin alike
def _jpeg_data(head: bytes, max_pixels: int) -> int:
    """Return where the data begins after a plain head, which ends with the number of components in its scan; else 0."""
    components, position = 0, 2
    while head[position : position + 1] == b"\xff" and position + 4 <= len(head):
        marker, length = struct.unpack_from(">xBH", head, position)
        start, position = position + 4, position + 2 + length
        if marker == _SOS:
            return position if components in {1, 3} and head[start:] == bytes([components]) else 0
        if marker == _SOF0 and not components:
            components = _components(head, start, length, max_pixels)
        elif marker not in _JPEG_HARMLESS or (marker == _DQT and _has_deep_tables(head, start, length)):
            return 0
    return 0


def _components(content: bytes, start: int, length: int, max_pixels: int) -> int:
    """Return how many components a frame of 8 bits has; 0 if it is not plain."""
    if length < 8:
        return 0
    depth, height, width, components = struct.unpack_from(">BHHB", content, start)
    return components if depth == 8 and length == 8 + 3 * components and 0 < height * width <= max_pixels else 0


def _has_deep_tables(content: bytes, start: int, length: int) -> bool:
    return (length - 2) % 65 != 0 or any(byte >= 16 for byte in content[start : start + length - 2 : 65])
