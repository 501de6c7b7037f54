import base64
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.formats import READERS
from serving.errors import (
    BadRequestError,
    InvalidBase64Error,
    ServingError,
    TooLargeError,
    UnreadablePictureError,
)
from serving.pictures import (
    RequestLimits,
    decode_base64,
    from_content,
    from_files,
    from_text,
    from_texts,
)
from tests.serving.faces.plain_http import encoded

LIMITS = RequestLimits(max_body_bytes=4096, max_pictures=3, max_picture_bytes=1024)
FLAG = bytes.fromhex("00FFFFFF00")
LATER_FLAG = bytes.fromhex("99999900FFFFFF00999999")
PNG = b"\x89PNG\r\n\x1a\n"
BMP = b"BM" + struct.pack("<IHH", 58, 0, 0)


@given(st.binary(min_size=1, max_size=1000), st.sampled_from(["", "data:image/png;base64,", " DATA:;BASE64,"]))
def test_what_was_encoded_is_decoded(content: bytes, prefix: str) -> None:
    assert decode_base64(prefix + encoded(content), 1024) == content


@given(st.binary(min_size=1, max_size=1000))
def test_line_breaks_as_of_mail_are_accepted(content: bytes) -> None:
    assert decode_base64(base64.encodebytes(content).decode().replace("\n", "\r\n"), 1024) == content


@given(st.text("ABz09+/=\n -_", max_size=24))
def test_it_is_as_strict_as_the_standard_library_but_for_line_breaks(text: str) -> None:
    joined = text.translate(dict.fromkeys(map(ord, " \t\r\n")))
    try:
        expected = base64.b64decode(joined, validate=True)
    except ValueError:
        with pytest.raises(InvalidBase64Error, match="send the standard alphabet"):
            decode_base64(text, 1024)
    else:
        assert decode_base64(text, 1024) == expected


@given(st.text(max_size=100))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    try:
        payloads = from_text(text, LIMITS)
    except InvalidBase64Error:
        return
    assert all(isinstance(payload, bytes | ServingError) for payload in payloads)


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "QUI",  # padding left out
        "QUI=QUI=",  # something behind the padding
        "QU I!",
        "QU-_",  # the alphabet for URLs
        "QUJé",
        "\ud800AAA",
        "data:image/png,QUJD",
        "data:image/png;base64QUJD",
    ],
)
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidBase64Error):
        from_text(text, LIMITS)


def test_a_text_is_measured_before_it_is_decoded() -> None:
    assert decode_base64(encoded(b"x" * 1024), 1024) == b"x" * 1024
    with pytest.raises(TooLargeError, match="characters"):
        decode_base64("!" * 2000, 1024)


def test_each_picture_of_a_list_stands_for_itself() -> None:
    good, broken, large = from_texts([encoded(b"one"), "?", encoded(b"x" * 1025)], LIMITS)
    assert good == b"one"
    assert isinstance(broken, InvalidBase64Error)
    assert isinstance(large, TooLargeError)


@pytest.mark.parametrize("texts", [[], [None], ["QUJD", 5], [["QUJD"]]])
def test_a_list_holds_texts(texts: list[object]) -> None:
    with pytest.raises(BadRequestError):
        from_texts(texts, LIMITS)


def test_the_number_of_pictures_is_bounded() -> None:
    assert len(from_files([b"a", b"b", b"c"], LIMITS)) == 3
    with pytest.raises(TooLargeError, match="more than 3 pictures"):
        from_files([b"a"] * 4, LIMITS)
    with pytest.raises(TooLargeError, match="more than 3 pictures"):
        from_content(FLAG.join([PNG] * 4), LIMITS)


def test_an_empty_picture_is_unreadable() -> None:
    (payload,) = from_text("", LIMITS)
    assert isinstance(payload, UnreadablePictureError)


@pytest.mark.parametrize("flag", [FLAG, LATER_FLAG])
def test_pictures_joined_by_a_split_flag_are_taken_apart(flag: bytes) -> None:
    joined = [PNG + b"one", BMP + b"two", b"\xff\xd8\xffthree"]
    assert from_text(encoded(flag.join(joined)), LIMITS) == joined


@pytest.mark.parametrize("content", [PNG + FLAG + b"pixels", BMP + FLAG * 3 + b"BM", FLAG, LATER_FLAG + b"x"])
def test_pixels_that_look_like_a_flag_stay_where_they_are(content: bytes) -> None:
    assert from_content(content, LIMITS) == [content]


@given(st.binary(max_size=200), st.integers(0, 3))
def test_taking_apart_loses_nothing_but_flags(noise: bytes, count: int) -> None:
    joined = FLAG.join([PNG + noise] * (count + 1))
    pieces = from_content(joined, RequestLimits())
    assert FLAG.join(piece for piece in pieces if isinstance(piece, bytes)) == joined


@pytest.mark.parametrize("file_format", READERS)
def test_pictures_of_every_format_are_taken_apart(file_format: str, picture: Callable[..., bytes]) -> None:
    one = picture(8, 4, file_format)
    assert from_content(FLAG.join([one, one]), RequestLimits()) == [one, one]
