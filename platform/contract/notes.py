"""How much a picture file may say beside its pixels. Decoders read all of it, and some take seconds over it.

Pillow joins the Exif segments of a JPEG one by one, copying what it has each time, and inflates up to a megabyte for
each colour profile of a PNG, of which the format allows one.
"""

import re
import struct

from PIL.JpegImagePlugin import MARKER

MOST_SEGMENTS = 256
"""Marker segments of a JPEG before its first scan: tables, notes, a profile in pieces of 64 KB."""

MOST_JUNK = 4096
"""Bytes between those segments that are none; Pillow looks at each of them."""

MOST_SCANS = 100
"""Passes over the pixels of a JPEG; encoders make ten. A dozen bytes can ask for one, which costs all pixels' time."""

MOST_TEXTS = 8
"""Compressed texts of a PNG, each of which may be a megabyte."""

MOST_CHUNKS = 256
"""Chunks of a PNG that hold neither pixels nor frames."""

MOST_PIECES = 4096
"""Chunks of a PNG that do: encoders put 8 KB or more into each."""

_PNG_START = 8  # bytes of signature
_CHUNK = struct.Struct(">I4s")
_CHUNK_REST = 12  # length, kind and checksum
_LONGEST_KEYWORD = 79
_FRAMES = frozenset({b"IDAT", b"fdAT", b"fcTL"})  # as many as the picture is large


_SEGMENT = struct.Struct(">H")
_SCAN = 0xDA
_END = 0xD9
_BETWEEN_PIXELS = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)  # pixels are stuffed: none look like that
_NO_MARKER = frozenset({0x00, 0xFF})  # behind a byte 0xFF: stuffing, padding
_BARE = frozenset(code & 0xFF for code, (*_, reads) in MARKER.items() if reads is None)  # Pillow reads no length there


def too_many(name: str | None, content: bytes) -> str:
    """Return what there is too much of in a file, as part of a sentence; empty if all is well.

    Looks at lengths only. What is broken is left to the decoder.

    Args:
        name: of the format, as `formats.format_of` has it.
        content: the file's bytes.
    """
    if name == "PNG":
        return _of_png(content)
    if name == "JPEG":
        return _of_jpeg(content)
    return ""


def _of_png(content: bytes) -> str:
    position, pieces, others, profiles, texts = _PNG_START, 0, 0, 0, 0
    while position + _CHUNK.size <= len(content):
        length, kind = _CHUNK.unpack_from(content, position)
        if kind == b"IEND":  # what stands behind it is not read
            break
        pieces += kind in _FRAMES
        others += kind not in _FRAMES
        profiles += kind == b"iCCP"
        texts += kind == b"zTXt" or (kind == b"iTXt" and _is_compressed(content, position + _CHUNK.size))
        if texts > MOST_TEXTS:
            return f"more than {MOST_TEXTS} compressed texts"
        if profiles > 1:
            return "more than one colour profile"
        if others > MOST_CHUNKS:
            return f"more than {MOST_CHUNKS} chunks beside its pixels"
        if pieces > MOST_PIECES:
            return f"more than {MOST_PIECES:,} chunks of pixels"
        position += length + _CHUNK_REST
    return ""


def _is_compressed(content: bytes, start: int) -> bool:
    keyword_end = content.find(b"\0", start, start + _LONGEST_KEYWORD + 1)
    return keyword_end >= 0 and content[keyword_end + 1 : keyword_end + 2] == b"\1"


def _of_jpeg(content: bytes) -> str:
    position, segments, junk = 2, 0, 0
    while (start := content.find(b"\xff", position)) >= 0 and start + 4 <= len(content):
        marker = content[start + 1]
        junk += start - position + (marker in _NO_MARKER)
        segments += marker not in _NO_MARKER
        if segments > MOST_SEGMENTS:
            return f"more than {MOST_SEGMENTS} segments before its pixels"
        if junk > MOST_JUNK:
            return f"more than {MOST_JUNK:,} bytes between its segments"
        if marker == _SCAN:
            return _of_scans(content, start)
        if marker in _NO_MARKER:
            position = start + 1
        elif marker in _BARE:
            position = start + 2
        else:
            position = start + 2 + max(2, _SEGMENT.unpack_from(content, start + 2)[0])
    return f"more than {MOST_JUNK:,} bytes between its segments" if len(content) - position > MOST_JUNK else ""


def _of_scans(content: bytes, position: int) -> str:
    """What there is too much of from the first scan on; what stands behind the end of the picture is not read."""
    scans = segments = 0
    while (found := _BETWEEN_PIXELS.search(content, position)) and content[found.start() + 1] != _END:
        start = found.start()
        segments += 1
        scans += content[start + 1] == _SCAN
        if scans > MOST_SCANS:
            return f"more than {MOST_SCANS} scans"
        if segments > MOST_SCANS + MOST_SEGMENTS:
            return f"more than {MOST_SCANS + MOST_SEGMENTS} segments between its pixels"
        length = _SEGMENT.unpack_from(content, start + 2)[0] if start + 4 <= len(content) else 0
        position = start + 2 + max(2, length)
    return ""
