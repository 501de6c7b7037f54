"""Damage that decoders pass over: they read what they can of a PNG, and say nothing of the rest."""

import struct

import deflate

from contract.plain import PNG_SIGNATURE

_CHUNK = struct.Struct(">I4s")
_AROUND = 12  # bytes of a chunk beside its data: length, name, CRC


def damage(content: bytes) -> str:
    """Return what is wrong with the bytes of a picture file, as a sentence; empty if nothing is, or it is no PNG.

    A PNG is a row of chunks, each with the CRC-32 of its name and data, that ends in IEND (ISO/IEC 15948).
    """
    if not content.startswith(PNG_SIGNATURE):
        return ""
    view, position, name = memoryview(content), len(PNG_SIGNATURE), b""
    while name != b"IEND":
        if position + _AROUND > len(content):
            return "cut off: it has no end"
        length, name = _CHUNK.unpack_from(content, position)
        end = position + _CHUNK.size + length
        if end + 4 > len(content):
            return f"cut off inside its chunk {name.decode('latin-1')}"
        if deflate.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return f"damaged: the checksum of its chunk {name.decode('latin-1')} is another"
        position = end + 4
    return ""
