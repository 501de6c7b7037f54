"""What a hostile client may send to a service with real decoding: an answer of 4xx, soon, in bounded memory."""

import base64
import io
import json
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.http.app import create_app
from serving.pictures import RequestLimits
from tests.serving.rig import Service, Shop, picture

SIDE = 60_000
MEMORY = 64 * 1024 * 1024  # bytes that one request may take for a moment


def png_bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(20_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def saved(file_format: str, **more: object) -> bytearray:
    file = io.BytesIO()
    Image.new("RGB", (8, 4), (9, 9, 9)).save(file, file_format, **more)
    return bytearray(file.getvalue())


def gif_bomb() -> bytes:
    content = saved("GIF")
    content[6:10] = struct.pack("<HH", SIDE, SIDE)
    return bytes(content)


def bmp_bomb() -> bytes:
    content = saved("BMP")
    content[18:26] = struct.pack("<ii", SIDE, SIDE)
    return bytes(content)


def jpeg_bomb() -> bytes:
    content = saved("JPEG")
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", SIDE, SIDE)
    return bytes(content)


def webp_bomb() -> bytes:
    content = saved("WEBP", lossless=True)
    at = content.index(b"VP8L") + 9
    content[at : at + 4] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    return bytes(content)


def fits_bomb() -> bytes:
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2"]
    cards += [f"NAXIS{axis}  = {SIDE:20d}" for axis in (1, 2)] + ["END"]
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode()


def tiff_bomb() -> bytes:
    content = saved("TIFF")
    for tag in (256, 257):  # width and height, each one LONG
        at = content.index(struct.pack("<HHI", tag, 4, 1)) + 8
        content[at : at + 4] = struct.pack("<I", SIDE)
    return bytes(content)


BOMBS = [png_bomb, gif_bomb, bmp_bomb, jpeg_bomb, webp_bomb, fits_bomb, tiff_bomb]


@pytest.fixture
def client(shop: Shop, service: Service) -> FlaskClient:
    shop.publish()
    service.step()
    return create_app(service.plane, RequestLimits()).test_client()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_that_says_it_is_huge(client: FlaskClient, bomb: Callable[[], bytes]) -> None:
    content = bomb()
    tracemalloc.start()
    try:
        response = client.post("/captcha/v3", data=content)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    assert 400 <= response.status_code < 500
    assert client.post("/captcha/v3", data=picture(5)).json["message"] == "digits1.0-5"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
def test_bombs_leave_the_process_small(client: FlaskClient) -> None:
    import resource  # noqa: PLC0415

    contents = [bomb() for bomb in BOMBS]
    client.post("/captcha/v3", data=picture(5))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for content in contents * 3:
        assert 400 <= client.post("/captcha/v3", data=content).status_code < 500
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < MEMORY


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"image":' + b"[" * 100_000,
        b'{"image":' + b'{"a":' * 50_000,
        b'{"image": ' + b"9" * 100_000 + b"}",
        b'{"image": "' + b"A" * 3_000_000 + b'"}',
        b'{"image": ["' + b'","'.join([b"AA=="] * 100_000) + b'"]}',
        b'\xff\xfe{"image": 1}',
    ],
)
def test_json_that_is_no_request(client: FlaskClient, body: bytes) -> None:
    response = client.post("/captcha/v1", data=body, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    assert response.json["success"] is False


def test_a_gif_of_ten_thousand_frames_costs_one(client: FlaskClient) -> None:
    content = picture_gif()
    start, end = content.index(b"!\xf9\x04"), len(content) - 1
    many = content[:start] + content[start:end] * 10_000 + content[end:]
    tracemalloc.start()
    try:
        response = client.post("/captcha/v3", data=many)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    assert response.status_code < 500


def picture_gif() -> bytes:
    file = io.BytesIO()
    frames = [Image.new("L", (8, 4), gray) for gray in (1, 2)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=10)
    return file.getvalue()


def test_a_picture_with_something_else_behind_it(client: FlaskClient) -> None:
    for behind in (b"PK\x03\x04" + bytes(100), b"<script>", png_bomb()[:1000]):
        response = client.post("/captcha/v3", data=picture(5) + behind)
        assert response.status_code < 500


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.just(base64.b64encode(picture(3)).decode()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(["image", "model_name", "model_site", "split_char", "need_confidence", "inputs", "need_color"]),
    st.sampled_from(["/captcha/v1", "/v2/models/digits/infer", "/captcha/v3"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_answered_without_a_failure_of_ours(
    client: FlaskClient, value: object, key: str, path: str
) -> None:
    request = {"image": base64.b64encode(picture(3)).decode(), key: value}
    response = client.post(path, data=json.dumps(request), headers={"Content-Type": "application/json"})
    assert response.status_code < 500
    json.loads(response.data)
