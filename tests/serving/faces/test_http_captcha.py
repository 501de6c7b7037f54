"""Every way to send pictures, and the answers."""

import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.answer import Hints
from serving.http.app import create_app
from serving.http.facilities import Facilities
from serving.http.options import HttpOptions
from serving.metrics import Metrics
from serving.pictures import RequestLimits
from tests.serving.faces.plain_http import encoded

Draw = Callable[..., bytes]


def test_a_picture_is_answered(client: FlaskClient, picture: Draw) -> None:
    response = client.post("/captcha/v1", json={"image": encoded(picture(16, 6))})
    answer = response.json
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert len(answer.pop("uid")) == 32
    assert answer == {
        "message": "16x6",
        "code": 0,
        "success": True,
        "model": "digits",
        "version": "1.2",
        "confidence": 0.75,
    }


def test_the_seeds_demo_sends_nulls(client: FlaskClient, plane: Any, picture: Draw) -> None:
    request = {
        "image": encoded(picture()),
        "model_site": None,
        "model_type": None,
        "model_name": None,
        "split_char": None,
        "need_color": None,
    }
    response = client.post("/captcha/v1", data=json.dumps(request), headers={"Content-Type": "application/json"})
    assert response.json["message"] == "16x6"
    assert plane.calls[0][1] == Hints()


def test_hints_reach_the_data_plane(client: FlaskClient, plane: Any, picture: Draw) -> None:
    request = {"image": encoded(picture()), "model_site": "shop", "model_type": "number", "model_name": "digits"}
    client.post("/captcha/v1", json=request)
    assert plane.calls[0][1] == Hints(site="shop", type="number", name="digits")


def test_a_list_is_answered_in_order_with_the_failure_of_each(client: FlaskClient, picture: Draw) -> None:
    images = [encoded(picture(8, 4)), "?", encoded(picture()[:50]), encoded(picture(9, 5))]
    answer = client.post("/captcha/v1", json={"image": images, "split_char": "|"}).json
    assert answer["message"] == "8x4|||9x5"
    assert answer["success"] is False
    assert answer["code"] == 500002
    assert [result["code"] for result in answer["results"]] == [0, 500002, 500003, 0]
    assert [result["success"] for result in answer["results"]] == [True, False, False, True]
    assert answer["results"][3]["message"] == "9x5"


def test_a_list_of_one_has_results_too(client: FlaskClient, picture: Draw) -> None:
    answer = client.post("/captcha/v1", json={"image": [encoded(picture())]}).json
    assert [result["message"] for result in answer["results"]] == ["16x6"]


def test_texts_are_joined_by_nothing_unless_told(client: FlaskClient, picture: Draw) -> None:
    image = encoded(picture())
    assert client.post("/captcha/v1", json={"image": [image, image]}).json["message"] == "16x616x6"


def test_pictures_joined_as_captcha_platform_did(client: FlaskClient, picture: Draw) -> None:
    joined = encoded(bytes.fromhex("00FFFFFF00").join([picture(8, 4), picture(9, 5, "BMP")]))
    answer = client.post("/captcha/v1", json={"image": joined, "split_char": ","}).json
    assert answer["message"] == "8x4,9x5"


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [(None, {"confidence"}), (False, set()), (True, {"confidence", "symbols"}), ("true", {"confidence", "symbols"})],
)
def test_confidence_is_given_as_wanted(client: FlaskClient, picture: Draw, wanted: object, keys: set[str]) -> None:
    answer = client.post("/captcha/v1", json={"image": encoded(picture()), "need_confidence": wanted}).json
    assert answer.keys() & {"confidence", "symbols"} == keys


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "text/plain", "", "image/x-unheard-of"])
def test_raw_picture_bytes(client: FlaskClient, picture: Draw, plane: Any, file_format: str, kind: str) -> None:
    response = client.post("/captcha/v1", data=picture(16, 6, file_format), content_type=kind)
    assert response.json["message"] == "16x6"
    assert plane.calls[0][0] == [picture(16, 6, file_format)]


def test_version_3_takes_raw_bytes_whatever_they_are_called(client: FlaskClient, picture: Draw) -> None:
    response = client.post("/captcha/v3", data=picture(), content_type="application/x-www-form-urlencoded")
    assert response.json["message"] == "16x6"


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"])
def test_base64_as_the_body(client: FlaskClient, picture: Draw, kind: str) -> None:
    body = "data:image/png;base64," + encoded(picture())
    assert client.post("/captcha/v1", data=body, content_type=kind).json["message"] == "16x6"


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "application/vnd.x+json"])
def test_json_under_another_name(client: FlaskClient, picture: Draw, kind: str) -> None:
    body = json.dumps({"image": encoded(picture())})
    assert client.post("/captcha/v1", data=body, content_type=kind).json["message"] == "16x6"


def test_form_fields(client: FlaskClient, plane: Any, picture: Draw) -> None:
    response = client.post("/captcha/v1", data={"image": encoded(picture()), "model_type": "number"})
    assert response.json["message"] == "16x6"
    assert plane.calls[0][1] == Hints(type="number")


def test_a_plus_sign_that_was_not_escaped_in_a_form(client: FlaskClient, plane: Any, picture: Draw) -> None:
    content = picture()
    content += bytes(-len(content) % 3) + b"\xfb\xef\xbe" * 2  # ++++ in base64
    body = "image=" + encoded(content).replace("/", "%2F").replace("=", "%3D")
    assert "+" in body
    client.post("/captcha/v1", data=body, content_type="application/x-www-form-urlencoded")
    assert plane.calls[0][0] == [content]


def test_a_field_given_twice_is_a_list(client: FlaskClient, picture: Draw) -> None:
    form = {"image": [encoded(picture(8, 4)), encoded(picture(9, 5))], "split_char": " "}
    assert client.post("/captcha/v1", data=form).json["message"] == "8x4 9x5"


def test_files_of_a_form_under_any_name(client: FlaskClient, plane: Any, picture: Draw) -> None:
    files = {
        "first": (io.BytesIO(picture(8, 4)), "a.png"),
        "image": [(io.BytesIO(picture(9, 5)), "b.png"), (io.BytesIO(picture(7, 3)), "c.png")],
        "split_char": "-",
        "model_site": "shop",
    }
    answer = client.post("/captcha/v1", data=files).json
    assert answer["message"] == "8x4-9x5-7x3"
    assert len(answer["results"]) == 3
    assert plane.calls[0][1] == Hints(site="shop")


def test_base64_in_a_multipart_form(client: FlaskClient, picture: Draw) -> None:
    boundary = "--x\r\nContent-Disposition: form-data; name=image\r\n\r\n"
    body = f"{boundary}{encoded(picture(8, 4))}\r\n{boundary}{encoded(picture(9, 5))}\r\n--x--\r\n"
    answer = client.post("/captcha/v1", data=body, content_type="multipart/form-data; boundary=x").json
    assert answer["message"] == "8x49x5"


def test_a_slash_behind_the_path_is_no_redirect(client: FlaskClient, picture: Draw) -> None:
    assert client.post("/captcha/v1/", data=picture(), content_type="image/png").status_code == 200


def test_a_large_base64_field_of_a_form_is_read(client: FlaskClient, picture: Draw) -> None:
    large = picture(16, 6, "PNG") + b"\0" * 700_000
    body = f'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n{encoded(large)}\r\n--x--\r\n'
    response = client.post("/captcha/v1", data=body, content_type="multipart/form-data; boundary=x")
    assert response.json["message"] == "16x6"


def test_old_clients_get_status_200_and_the_bare_text(client_for: Callable[..., FlaskClient]) -> None:
    client = client_for(legacy_http200=True)
    for body, kind, code, text in (
        (b'{"image": "?"}', "application/json", 500002, "Invalid Base64 String"),
        (b"{", "application/json", 400, "Bad Request"),
        (b"<x/>", "text/xml", 415, "Unsupported Media Type"),
    ):
        response = client.post("/captcha/v1", data=body, content_type=kind)
        answer = response.json
        assert response.status_code == 200
        assert (answer["code"], answer["message"], answer["success"]) == (code, text, False)


def test_fields_and_routes_can_be_called_otherwise(
    client_for: Callable[..., FlaskClient], plane: Any, picture: Draw
) -> None:
    client = client_for(
        request_names={"image": "img", "model_name": "title"},
        answer_names={"message": "text", "success": "ok"},
        routes={"/captcha/v1": ("/ocr/all",)},
    )
    answer = client.post("/ocr/all", json={"img": encoded(picture()), "title": "digits"}).json
    assert (answer["text"], answer["ok"]) == ("16x6", True)
    assert plane.calls[0][1] == Hints(name="digits")
    assert client.post("/captcha/v1", json={"img": "?"}).json["ok"] is False
    assert client.post("/captcha/v1", data={"img": encoded(picture())}).json["text"] == "16x6"


def test_a_route_is_counted_as_itself_by_whatever_path_it_is_asked(plane: Any, picture: Draw) -> None:
    metrics = Metrics()
    options = HttpOptions(routes={"/captcha/v1": ("/ocr/all",)})
    client = create_app(plane, RequestLimits(), options, Facilities(meter=metrics, metrics=metrics)).test_client()
    for path in ("/ocr/all", "/captcha/v1"):
        assert client.post(path, data=picture()).status_code == 200
    text = client.get("/metrics").text
    assert 'cps_requests_total{protocol="http",route="/captcha/v1",status="200"} 2.0' in text


def test_the_fields_of_results_are_called_otherwise_too(client_for: Callable[..., FlaskClient], picture: Draw) -> None:
    client = client_for(answer_names={"message": "text", "success": "ok", "results": "all", "confidence": "sure"})
    request = {"image": [encoded(picture()), "?"], "need_confidence": True}
    read, failed = client.post("/captcha/v1", json=request).json["all"]
    assert (read["text"], read["ok"], read["sure"], read["symbols"][0]["sure"]) == ("16x6", True, 0.75, 0.9)
    assert (failed["ok"], failed["code"], "message" in failed) == (False, 500002, False)
    assert client.post("/captcha/v1", data=b"x", content_type="a/b").json["ok"] is False


def test_service_info(client: FlaskClient) -> None:
    assert client.get("/service/info").json == {
        "total": 1,
        "online": ["digits"],
        "support": ["shop"],
        "invalid": {"digits-1.3.yaml": {"create_time": time.ctime(1.6e9), "reason": "digest differs"}},
    }
