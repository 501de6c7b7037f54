"""The forms that the clients of the other systems expect, as their servers sent them."""

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from serving.http.options import DropIn
from tests.serving.faces.plain_http import encoded

Draw = Callable[..., bytes]


@pytest.fixture
def drop_in(client_for: Callable[..., FlaskClient]) -> FlaskClient:
    return client_for(drop_in=frozenset(DropIn))


def test_cnn_captcha(drop_in: FlaskClient, picture: Draw) -> None:
    response = drop_in.post("/b", data={"image_file": (io.BytesIO(picture()), "a.png")})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json.keys() == {"time", "value", "speed_time(ms)"}
    assert response.json["value"] == "16x6"
    assert response.json["time"].isdigit()
    assert isinstance(response.json["speed_time(ms)"], int)


@pytest.mark.parametrize("data", [{}, {"other": (io.BytesIO(b"x"), "a.png")}, b"x"])
def test_cnn_captcha_refuses_with_its_one_code(drop_in: FlaskClient, data: object) -> None:
    response = drop_in.post("/b", data=data)
    assert (response.status_code, response.json) == (200, {"error_code": "1001"})


def test_captcha_identification(drop_in: FlaskClient, picture: Draw) -> None:
    right = {"status": "OK", "result": "16x6"}
    with_prefix = "data:image/png;base64," + encoded(picture())
    assert drop_in.post("/captcha", json={"pic": encoded(picture())}).json == right
    assert drop_in.post("/captcha", json={"pic": with_prefix}).json == right
    assert drop_in.post("/captcha", data=with_prefix, content_type="text/plain").json == right


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("{}", "application/json", "input base64 is empty"),
        ('{"pic": 5}', "application/json", "error"),
        ("[]", "application/json", "error"),
        ("", "text/plain", "input base64 is empty"),
        ("?", "text/plain", "error"),
        ("x", "text/html", "request head not support"),
    ],
)
def test_captcha_identification_says_no(drop_in: FlaskClient, body: str, kind: str, said: str) -> None:
    response = drop_in.post("/captcha", data=body, content_type=kind)
    assert (response.status_code, response.json) == (200, {"status": "NO", "msg": said})


def test_tensorflow_101(drop_in: FlaskClient, picture: Draw) -> None:
    right = {"success": True, "prediction": "16x6", "debug": "predicted"}
    assert drop_in.post("/predict", data={"image": (io.BytesIO(picture()), "a.png")}).json == right
    assert drop_in.post("/predict", json={"image": encoded(picture())}).json == right
    wrong = {"success": False, "prediction": "", "debug": "error"}
    assert drop_in.post("/predict", json={"image": "?"}).json == wrong
    assert drop_in.post("/predict", data=b"").json == wrong
    assert drop_in.get("/ping").text == drop_in.post("/ping").text == "pong"


def test_only_what_is_switched_on_is_there(client_for: Callable[..., FlaskClient]) -> None:
    client = client_for(drop_in=frozenset({DropIn.TENSORFLOW_101}))
    assert client.get("/ping").status_code == 200
    assert client.post("/b").status_code == 404
    assert client.post("/captcha").status_code == 404
