"""What cannot be answered is told so, with what is wrong, and nothing makes the service fail."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.errors import (
    DeadlineError,
    NotReadyError,
    OverloadedError,
    ServingError,
    UnknownModelError,
    UnreadablePictureError,
)
from serving.http.options import DropIn
from serving.pictures import RequestLimits
from tests.serving.faces.plain_http import encoded

Draw = Callable[..., bytes]

SNIPPETS = [
    b"{",
    b"}",
    b'"image"',
    b":",
    b"[",
    b"]",
    b'"',
    b"QUJD",
    b"\x89PNG\r\n\x1a\n",
    b"\x00\xff\xff\xff\x00",
    b"\r\n",
]
SNIPPETS += [
    b"--x",
    b"Content-Disposition: form-data; name=image",
    b"image=",
    b"%",
    b"&",
    b"null",
    b"1e999",
    b"\\ud800",
]
KINDS = ["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "image/png", ""]
KINDS += ["application/x-www-form-urlencoded", "application/octet-stream", "a/b", "text/plain; charset=nonsense", ";;"]


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        (b"{", 400, 400, "no JSON"),
        (b"[" * 100_000, 400, 400, "no JSON"),
        (b"\xff\xfe{", 400, 400, "no JSON"),
        (b"[]", 400, 400, "must be an object"),
        (b"{}", 400, 400, "'image' is missing"),
        (b'{"image": null}', 400, 400, "'image' is missing"),
        (b'{"image": 5}', 400, 400, "is a int"),
        (b'{"image": []}', 400, 400, "no picture"),
        (b'{"image": [1]}', 400, 400, "picture 1"),
        (b'{"image": "", "model_name": 5}', 400, 400, "'model_name' is a int"),
        (b'{"image": "", "need_confidence": "perhaps"}', 400, 400, "true or false"),
        (b'{"image": "", "need_color": "red"}', 400, 400, "need_color"),
        (b'{"image": "?"}', 400, 500002, "Invalid Base64 String: "),
        (b'{"image": "\\ud800"}', 400, 500002, "Invalid Base64 String: "),
        (b'{"image": ""}', 400, 500001, "Invalid Image Format: "),
        (b'{"image": "QUJD"}', 400, 500001, "Invalid Image Format: "),
        (b'{"image": ["QUJD", "?"]}', 400, 500001, "Invalid Image Format: "),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(
    client: FlaskClient, body: bytes, status: int, code: int, said: str
) -> None:
    response = client.post("/captcha/v1", data=body, content_type="application/json")
    assert response.status_code == status
    assert response.json["code"] == code
    assert response.json["success"] is False
    assert said in response.json["message"]


def test_a_form_of_nothing_but_fields_is_not_taken_apart(client: FlaskClient) -> None:
    response = client.post("/captcha/v1", data=b"a&" * 1001, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json["message"]) == (400, "Bad Request: the form has more than 1000 fields")


def test_what_is_quoted_back_is_cut(client: FlaskClient, picture: Draw) -> None:
    response = client.post("/captcha/v1", json={"image": encoded(picture()), "need_confidence": "\u00e9" * 1_000_000})
    assert response.status_code == 400
    assert len(response.data) < 20_000


def test_a_damaged_picture(client: FlaskClient, picture: Draw) -> None:
    response = client.post("/captcha/v1", data=picture()[:50], content_type="image/png")
    assert (response.status_code, response.json["code"]) == (400, 500003)


def test_a_name_with_half_a_surrogate_pair_is_quoted(client: FlaskClient, picture: Draw) -> None:
    response = client.post("/captcha/v1", json={"image": encoded(picture()), "model_name": "\ud800"})
    assert (response.status_code, response.json["code"]) == (404, 999)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (UnreadablePictureError("no"), (400, 500001, None)),
        (NotReadyError("nothing there"), (503, -999, "1")),
        (OverloadedError("full"), (503, 503, "1")),
        (DeadlineError("late"), (504, 504, None)),
        (ServingError("of a kind to come"), (500, 500, None)),
    ],
)
def test_what_the_data_plane_refuses(
    client: FlaskClient, plane: Any, picture: Draw, failure: Exception, expected: tuple[int, int, str | None]
) -> None:
    plane.failure = failure
    response = client.post("/captcha/v1", json={"image": encoded(picture())})
    assert (response.status_code, response.json["code"], response.headers.get("Retry-After")) == expected
    assert str(failure) in response.json["message"]


@pytest.mark.parametrize(("hint", "code"), [({}, 500004), ({"model_site": "nowhere"}, 999)])
def test_an_unknown_model_is_answered_with_those_there_are(
    client: FlaskClient, plane: Any, picture: Draw, hint: dict[str, str], code: int
) -> None:
    plane.failure = UnknownModelError("no model for this")
    response = client.post("/captcha/v1", json={"image": encoded(picture()), **hint})
    assert (response.status_code, response.json["code"]) == (404, code)
    assert response.json["available"] == [
        {"name": "digits", "type": "number", "sites": ["shop"], "size": [160, 60]},
    ]


def test_a_defect_is_logged_and_not_shown(
    client: FlaskClient, plane: Any, picture: Draw, caplog: pytest.LogCaptureFixture
) -> None:
    plane.failure = RuntimeError("secret")
    response = client.post("/captcha/v1", json={"image": encoded(picture())})
    assert (response.status_code, response.json["code"]) == (500, 500)
    assert "secret" not in response.text
    assert response.json["uid"] in caplog.text
    assert "secret" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("POST", "//captcha/v1", None, 404),
        ("GET", "/captcha/v1", None, 405),
        ("POST", "/v2/models", None, 405),
        ("POST", "/captcha/v1", "application/xml", 415),
        ("POST", "/b", None, 404),
    ],
)
def test_errors_of_http_are_json_too(
    client: FlaskClient, method: str, path: str, kind: str | None, status: int
) -> None:
    response = client.open(path, method=method, data=b"<x/>", content_type=kind)
    assert response.status_code == status
    assert response.json["code"] == status
    assert response.json["success"] is False
    assert (response.headers.get("Allow") is not None) == (status == 405)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "image/png"])
def test_a_body_over_the_limit(client_for: Callable[..., FlaskClient], plane: Any, kind: str) -> None:
    client = client_for(RequestLimits(max_body_bytes=1000))
    response = client.post("/captcha/v1", data=b"x" * 1001, content_type=kind)
    assert (response.status_code, response.json["code"]) == (413, 413)
    assert plane.calls == []


def test_too_many_pictures(client_for: Callable[..., FlaskClient], plane: Any, picture: Draw) -> None:
    client = client_for(RequestLimits(max_pictures=2))
    files = {"image": [(io.BytesIO(picture()), "a.png") for _ in range(3)]}
    assert client.post("/captcha/v1", data=files).status_code == 413
    assert plane.calls == []


def test_the_deadline_is_that_of_the_limits(client_for: Callable[..., FlaskClient], picture: Draw) -> None:
    client = client_for(RequestLimits(max_seconds=-1.0))
    response = client.post("/captcha/v1", json={"image": encoded(picture())})
    assert (response.status_code, response.json["code"]) == (504, 504)


@given(
    path=st.sampled_from(["/captcha/v1", "/captcha/v3", "/v2/models/digits/infer", "/b", "/captcha", "/predict"]),
    kind=st.sampled_from(KINDS),
    parts=st.lists(st.sampled_from(SNIPPETS) | st.binary(max_size=8), max_size=12),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_no_body_makes_the_service_fail(client_for: Any, path: str, kind: str, parts: list[bytes]) -> None:
    client = client_for(drop_in=frozenset(DropIn))
    response = client.post(path, data=b"".join(parts), content_type=kind)
    assert response.status_code < 500
    assert response.is_json
