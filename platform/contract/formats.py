"""Which picture format bytes are in, and what their header says of the size, before a decoder sees them."""

import contextlib
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import IO

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

# PIL's readers of one format each. `Image.open` would try others, and warns of sizes that are ours to refuse.
READERS: Mapping[str, Callable[[IO[bytes]], ImageFile]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "WEBP": WebPImageFile,
}

_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_GIF_MARK = re.compile(b"[!,;]")  # of an extension, a frame, the end


def format_of(content: bytes) -> str | None:
    """Return the format that a file's first bytes announce, a key of `READERS`, or None for any other."""
    if content.startswith(b"RIFF"):
        return "WEBP" if content[8:12] == b"WEBP" else None
    signatures = {
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"\xff\xd8\xff": "JPEG",
        b"GIF87a": "GIF",
        b"GIF89a": "GIF",
        b"BM": "BMP",
    }
    return next((name for signature, name in signatures.items() if content.startswith(signature)), None)


def png_size(content: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels of a PNG by its header; None if that is broken, or of another format.

    PIL would take a second header for the better one, so a file where there might be one has none here.
    """
    if not content.startswith(_PNG_START) or len(content) < 33 or content.count(b"IHDR") > 1:
        return None
    width, height = struct.unpack_from(">II", content, 16)
    whole = zlib.crc32(content[12:29]) == int.from_bytes(content[29:33], "big")
    return (width, height) if whole and width and height else None


def announced_size(content: bytes) -> tuple[int, int] | None:
    """Return (width, height) of the canvas in pixels, for formats whose reader allocates it as soon as it opens a file.

    Those are GIF and WEBP. None for the others, and where the header is broken.
    """
    try:
        return {"GIF": _gif_size, "WEBP": _webp_size}.get(format_of(content) or "", _unknown)(content)
    except (struct.error, IndexError):
        return None


def _unknown(_content: bytes) -> None:
    return None


def _gif_size(content: bytes) -> tuple[int, int]:
    """Return the size of the screen, grown to hold every frame, as PIL does when it comes to them."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    position = 13 + _colour_table_size(flags)
    with contextlib.suppress(struct.error, IndexError):  # cut off: what was found so far counts
        # As PIL does, whatever is no mark is passed over.
        while (mark := _GIF_MARK.search(content, position)) and mark[0] != b";":
            position = mark.start()
            if mark[0] == b",":
                left, top, frame_width, frame_height, flags = struct.unpack_from("<HHHHB", content, position + 1)
                width, height = max(width, left + frame_width), max(height, top + frame_height)
                position += 11 + _colour_table_size(flags)
            else:
                position += 2
            while content[position]:  # blocks that start with their length
                position += content[position] + 1
            position += 1
    return width, height


def _colour_table_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _webp_size(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
