"""What a request carries to picture bytes: base64, data URIs, raw bytes, several pictures joined by a split flag.

Both transports decode with these functions. A limit is checked before the work that it bounds.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pybase64

from contract.image import DEFAULT_LIMITS
from serving.errors import (
    BadRequestError,
    InvalidBase64Error,
    ServingError,
    TooLargeError,
    UnreadablePictureError,
)

Payload = bytes | ServingError
"""The bytes of one picture, or why there are none. One bad picture does not spoil the others of its request."""


@dataclass(frozen=True)
class RequestLimits:
    """What one request may cost.

    Attributes:
        max_body_bytes: of a whole request, as it is sent.
        max_pictures: in one request.
        max_picture_bytes: of one picture file, decoded from base64.
        max_seconds: from its arrival to its answer; a client may ask for less.
    """

    max_body_bytes: int = 8 * 1024 * 1024
    max_pictures: int = 64
    max_picture_bytes: int = DEFAULT_LIMITS.max_bytes
    max_seconds: float = 30.0


# The flags of both generations of captcha_platform, the longer one first, since it has the other inside. Pixels can
# hold these bytes too (a white pixel between black ones in a BMP is the older flag), so a flag only counts where the
# next picture starts behind it. For a BMP its two letters are too little to tell; the four zeros of its header decide.
_SPLIT_FLAGS = tuple(
    re.compile(flag + rb"(?=\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|BM.{4}\0{4}|RIFF.{4}WEBP)", re.DOTALL)
    for flag in (rb"\x99\x99\x99\x00\xff\xff\xff\x00\x99\x99\x99", rb"\x00\xff\xff\xff\x00")
)
_FLAG_OF_BOTH = b"\x00\xff\xff\xff\x00"
_PREFIX = re.compile(r"\s*data:[^,]{0,200},", re.IGNORECASE)
_LINE_BREAKS = b" \t\r\n"


def from_text(text: str, limits: RequestLimits) -> list[Payload]:
    """Return the pictures in one base64 text: one, or several joined by a split flag before they were encoded.

    Raises:
        InvalidBase64Error: the text is no base64.
        TooLargeError: too long, or too many pictures.
    """
    return from_content(decode_base64(text, limits.max_body_bytes), limits)


def from_texts(texts: Sequence[object], limits: RequestLimits) -> list[Payload]:
    """Return the pictures of a list, each a base64 text of its own.

    Raises:
        BadRequestError: the list is empty or holds something that is no text.
        TooLargeError: too many pictures.
    """
    _check_count(len(texts), limits)
    return [_payload(text, position, limits) for position, text in enumerate(texts)]


def from_content(content: bytes, limits: RequestLimits) -> list[Payload]:
    """Return the pictures in raw bytes: one, or several joined by a split flag; raises as `from_files`."""
    pieces = [content]
    if _FLAG_OF_BOTH in content:  # a search that is much cheaper than those below
        for flag in _SPLIT_FLAGS:
            if len(pieces) == 1:
                pieces = flag.split(content, maxsplit=limits.max_pictures)
    return from_files(pieces, limits)


def from_files(contents: Sequence[bytes], limits: RequestLimits) -> list[Payload]:
    """Return picture files as they were sent, checked for their number and size.

    Raises:
        BadRequestError: there is none.
        TooLargeError: too many pictures.
    """
    _check_count(len(contents), limits)
    return [_sized(content, limits) for content in contents]


def decode_base64(text: str, max_bytes: int) -> bytes:
    """Decode base64 strictly: no foreign characters, right padding; line breaks and a data-URI prefix are accepted.

    Args:
        text: base64, or a data URI that holds base64.
        max_bytes: of the decoded bytes; found from the length of the text, before it is decoded.

    Raises:
        InvalidBase64Error: not that.
        TooLargeError: over the limit.
    """
    prefix = _PREFIX.match(text)
    if prefix and not prefix[0].rstrip(",").lower().endswith(";base64"):
        raise InvalidBase64Error("a data URI must say ;base64 before its comma")
    start = prefix.end() if prefix else 0
    # Room for a line break of two characters after every 64, and some at the ends.
    longest = (max_bytes + 2) // 3 * 4 * 66 // 64 + 16
    if len(text) - start > longest:
        raise TooLargeError(f"the base64 text has {len(text) - start:,} characters; the limit is {longest:,}")
    try:
        return pybase64.b64decode(text[start:], validate=True)
    except ValueError:
        return _with_line_breaks(text, start)


def _with_line_breaks(text: str, start: int) -> bytes:
    """Decode what is not base64 at first sight, or say what is wrong with it."""
    try:
        return base64.b64decode(text[start:].encode("ascii").translate(None, _LINE_BREAKS), validate=True)
    except UnicodeEncodeError as error:
        raise InvalidBase64Error(f"{text[start + error.start]!r} is no base64 character") from error
    except ValueError as error:
        raise InvalidBase64Error(f"{error} (send the standard alphabet, padded with =)") from error


def _payload(text: object, position: int, limits: RequestLimits) -> Payload:
    if not isinstance(text, str):
        raise BadRequestError(f"picture {position + 1} of the list is no text: send each one as base64")
    try:
        return _sized(decode_base64(text, limits.max_picture_bytes), limits)
    except (InvalidBase64Error, TooLargeError) as error:
        return error


def _sized(content: bytes, limits: RequestLimits) -> Payload:
    if not content:
        return UnreadablePictureError("the picture is empty")
    if len(content) > limits.max_picture_bytes:
        return TooLargeError(f"the picture has {len(content):,} bytes; the limit is {limits.max_picture_bytes:,}")
    return content


def _check_count(count: int, limits: RequestLimits) -> None:
    if count == 0:
        raise BadRequestError("there is no picture in the request")
    if count > limits.max_pictures:
        raise TooLargeError(f"the request has more than {limits.max_pictures} pictures: send fewer at once")
