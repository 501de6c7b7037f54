"""The bytes of TFRecord files, without tensorflow: what is where in them, so that workers can read them; and records.

A file is a row of records: length (uint64), its CRC (uint32), the bytes, their CRC (uint32). The CRCs are CRC-32C,
turned by 15 bits and added to a constant. The bytes are a `tf.train.Example`: a protocol buffer of features by name, of
which only lists of bytes are looked at here.
"""

import functools
import itertools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

HEADER = struct.Struct("<QI")
FOOTER = struct.Struct("<I")

MAX_RECORD_BYTES = 64 * 1024 * 1024


class BrokenRecordError(ValueError):
    """Bytes that are no TFRecord, or no `tf.train.Example`."""


@dataclass(frozen=True)
class Span:
    """Bytes inside a file.

    Attributes:
        start: from the beginning of the file.
        content: the bytes themselves.
    """

    start: int
    content: bytes


def examples(path: Path) -> Iterator[Mapping[str, Span]]:
    """Yield the first bytes value of each feature of each record.

    Raises:
        BrokenRecordError: the file is cut off, damaged or none.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        while header := file.read(HEADER.size):
            if len(header) < HEADER.size:
                raise BrokenRecordError("the file is cut off")
            length, _ = HEADER.unpack(header)
            if length > MAX_RECORD_BYTES or header != _header(length):
                raise BrokenRecordError(
                    f"no record begins at byte {file.tell() - HEADER.size:,}: damaged, or no TFRecords"
                )
            start = file.tell()
            record, check = file.read(length), file.read(FOOTER.size)
            if len(record) < length or len(check) < FOOTER.size:
                raise BrokenRecordError("the file is cut off")
            if FOOTER.unpack(check)[0] != _masked(google_crc32c.value(record)):
                raise BrokenRecordError(f"the record at byte {start:,} is damaged: its checksum is another")
            yield dict(_features(record, start))


def example(features: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a `tf.train.Example` of these values; faster than the class of that name makes them."""
    values = features.values()
    start, *heads = _heads(tuple(features), tuple(map(len, values)))
    return b"".join(itertools.chain((start,), *zip(heads, values, strict=True)))


def framed(content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the parts of a record of these bytes: what stands before them, themselves, and what comes after."""
    header, check = _header(len(content)), google_crc32c.value(content)
    return header, content, FOOTER.pack(_masked(check))


@functools.lru_cache(maxsize=4096)  # records have few lengths
def _header(length: int) -> bytes:
    return HEADER.pack(length, _masked(google_crc32c.value(length.to_bytes(8, "little"))))


def _masked(check: int) -> int:
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF


@functools.lru_cache(maxsize=4096)  # the values of a feature have few lengths
def _heads(names: tuple[str, ...], lengths: tuple[int, ...]) -> list[bytes]:
    """Return what stands before everything, and before each value, for these names and lengths of values."""
    heads = [_before(name, length) for name, length in zip(names, lengths, strict=True)]
    total = sum(map(len, heads)) + sum(lengths)
    return [b"\x0a" + _varint_of(total), *heads]


def _before(name: str, length: int) -> bytes:
    """Return what stands before a value in its entry of the map."""
    head = b""
    for tag in (b"\x0a", b"\x0a", b"\x12"):  # field 1 of BytesList, field 1 of Feature, field 2 of the entry
        head = tag + _varint_of(len(head) + length) + head
    key = name.encode()
    head = b"\x0a" + _varint_of(len(key)) + key + head
    return b"\x0a" + _varint_of(len(head) + length) + head


def _features(record: bytes, start: int) -> Iterator[tuple[str, Span]]:
    # Example.features = 1; Features.feature = 1, a map with key = 1, value = 2; Feature.bytes_list = 1; its value = 1.
    for features in _fields(record, 0, len(record), number=1):
        for entry in _fields(record, *features, number=1):
            keys = list(_fields(record, *entry, number=1))
            for feature in _fields(record, *entry, number=2):
                for values in _fields(record, *feature, number=1):
                    value = next(_fields(record, *values, number=1), None)
                    if keys and value:
                        name = record[slice(*keys[0])].decode(errors="replace")
                        yield name, Span(start + value[0], record[slice(*value)])


def _fields(record: bytes, start: int, end: int, *, number: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each length-delimited field of this number in a message."""
    position = start
    while position < end:
        tag, position = _varint(record, position, end)
        kind = tag & 7
        if kind == 2:
            length, position = _varint(record, position, end)
            if position + length > end:
                raise BrokenRecordError("a record is broken")
            if tag >> 3 == number:
                yield position, position + length
            position += length
        elif kind == 0:
            _, position = _varint(record, position, end)
        elif kind in {1, 5}:
            position += 8 if kind == 1 else 4
        else:
            raise BrokenRecordError("a record is broken")


def _varint(record: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 64:
        byte = record[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise BrokenRecordError("a record is broken")


def _varint_of(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
