"""A fast way for the files that nearly every set is made of: whole, plain PNG and JPEG. All others are PIL's.

OpenCV decodes these with less work around the decoder, into the same pixels: JPEG by the same library (libjpeg-turbo)
with the same settings, PNG because it is lossless. Where the two would differ in what they make of a file (metadata
that turns a picture, colour by a palette, deep colours, transparency, several frames, damage), it is not plain.

The libraries behind OpenCV print what they do not like to stderr, which PIL's do not. Only the chunks of a PNG are
checked for that beforehand: where the compressed data is damaged under checksums that are right, libpng may print a
line, and for a damaged JPEG so may libjpeg. To inflate a PNG once more in advance would take more than half as long as
all of its reading.
"""

import re
import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.uint8]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JFIF_START = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"

# For callers that mind memory: of a large picture, the copies that are made on the way (RGB, and for gray in single
# precision) take several times what PIL takes, and the time that is saved around the decoder no longer counts.
MAX_PIXELS = 1 << 18

# PIL hands a decoder at most so much at a time, which decides what the decoder makes of damaged data.
MAX_JPEG_BYTES = 65536

_GRAY, _RGB, _RGBA = 0, 2, 6  # colour types of PNG

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
_JPEG_HARMLESS = frozenset({_DQT, 0xC4, 0xDD, 0xE0, 0xFE})  # tables, restarts, JFIF, comments
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # but for stuffing and restarts, which stand inside the data

# Luma of ITU-R 601-2 in 16 binary places, as PIL rounds it. Every sum of products is a multiple of 2^-16 below 2^8, so
# that 24 bits hold it and single precision makes no error, in whatever order it adds.
_LUMA = np.array([[19595 / 65536, 38470 / 65536, 7471 / 65536, 0.5]], np.float32)


def decode(content: bytes, max_pixels: int) -> Colours | None:
    """Decode a plain picture.

    Args:
        content: the file's bytes.
        max_pixels: larger pictures are not decoded.

    Returns:
        RGB, uint8 [H, W, 3], the same as PIL's; None if the file is not plain, or may be damaged.
    """
    if content.startswith(PNG_SIGNATURE):
        kind = _plain_png(content, max_pixels)
        if kind is None:
            return None
        return _opaque(_decoded(content, cv2.IMREAD_UNCHANGED)) if kind == _RGBA else _colours(content)
    if content.startswith(JFIF_START) and _is_plain_jpeg(content, max_pixels):
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


def _plain_png(content: bytes, max_pixels: int) -> int | None:
    """Return the colour type of a PNG of nothing but header, harmless chunks, pixels and end; else None."""
    view, names, position = memoryview(content), [], len(PNG_SIGNATURE)
    while position + 12 <= len(content):
        length, name = _CHUNK.unpack_from(content, position)
        end = position + 8 + length
        as_written = zlib.crc32(view[position + 4 : end]) == int.from_bytes(content[end : end + 4], "big")
        harmless = _CHUNK_DATA.get(name)
        if not as_written or harmless is None or not harmless.fullmatch(content, position + 8, end):
            return None
        names.append(name)
        position = end + 4
    if position != len(content) or not _CHUNK_ORDER.fullmatch(b"".join(names)):
        return None
    width, height, depth, colour, compression, filtering, interlace = _PNG_HEADER.unpack_from(content, 16)
    plain = depth == 8 and colour in {_GRAY, _RGB, _RGBA} and not (compression or filtering or interlace)
    return colour if plain and 0 < width * height <= max_pixels else None


def _is_plain_jpeg(content: bytes, max_pixels: int) -> bool:
    """Return whether this is a baseline JPEG of one scan that ends where the file ends."""
    if len(content) > MAX_JPEG_BYTES or not content.endswith(b"\xff\xd9"):
        return False
    components, position = 0, 2
    while content[position : position + 1] == b"\xff" and position + 4 <= len(content):
        marker, length = struct.unpack_from(">xBH", content, position)
        start, position = position + 4, position + 2 + length
        if marker == _SOS:
            found = _JPEG_MARKER.search(content, position)
            whole = found is not None and found.start() == len(content) - 2
            return whole and components in {1, 3} and content[start] == components
        if marker == _SOF0 and not components:
            components = _components(content, start, length, max_pixels)
        elif marker not in _JPEG_HARMLESS or (marker == _DQT and _has_deep_tables(content, start, length)):
            return False
    return False


def _components(content: bytes, start: int, length: int, max_pixels: int) -> int:
    """Return how many components a frame of 8 bits has; 0 if it is not plain."""
    if length < 8:
        return 0
    depth, height, width, components = struct.unpack_from(">BHHB", content, start)
    return components if depth == 8 and length == 8 + 3 * components and 0 < height * width <= max_pixels else 0


def _has_deep_tables(content: bytes, start: int, length: int) -> bool:
    return (length - 2) % 65 != 0 or any(byte >= 16 for byte in content[start : start + length - 2 : 65])
