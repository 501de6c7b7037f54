import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.answer import Hints, ModelStatus

Draw = Callable[..., bytes]


def tensor(*contents: bytes, **more: object) -> dict[str, Any]:
    data = [base64.b64encode(content).decode() for content in contents]
    return {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [len(data)], "data": data}], **more}


def test_health(client: FlaskClient, plane: Any) -> None:
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True}
    plane.is_ready = False
    response = client.get("/v2/health/ready")
    assert (response.status_code, response.json["ready"], response.json["code"]) == (503, False, -999)
    assert response.headers["Retry-After"] == "1"
    assert client.get("/v2/health/live").status_code == 200


def test_models_are_listed_with_their_states(client: FlaskClient) -> None:
    active, rejected = client.get("/v2/models").json["models"]
    assert active == {
        "name": "digits",
        "version": "1.2",
        "state": "active",
        "reason": "",
        "sha256": "ab",
        "type": "number",
        "sites": ["shop"],
        "size": [160, 60],
        "accuracy": None,
        "golden": 0,
        "latency": None,
    }
    assert (rejected["version"], rejected["state"], rejected["reason"]) == ("1.3", "rejected", "digest differs")


def test_metadata_of_server_and_model(client: FlaskClient) -> None:
    assert client.get("/v2").json.keys() == {"name", "version", "extensions"}
    model = client.get("/v2/models/digits").json
    assert (model["name"], model["versions"]) == ("digits", ["1.2"])
    assert [tensor["name"] for tensor in model["inputs"] + model["outputs"]] == ["image", "text", "confidence"]
    assert client.get("/v2/models/digits/versions/1.2").json == model


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("active", "READY"),
        ("loading", "LOADING"),
        ("waiting-for-graph", "LOADING"),
        ("draining", "UNLOADING"),
        ("rejected", "UNAVAILABLE"),
        ("standby", "UNAVAILABLE"),
    ],
)
def test_index_in_the_words_of_the_protocol(client: FlaskClient, plane: Any, state: str, shown: str) -> None:
    plane.statuses = [ModelStatus("digits", "2", state, "because")]
    assert client.post("/v2/repository/index").json == [
        {"name": "digits", "version": "2", "state": shown, "reason": "because"}
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/digits/ready", 200),
        ("/v2/models/digits/versions/1.2/ready", 200),
        ("/v2/models/digits/versions/1.3/ready", 404),
        ("/v2/models/other/ready", 404),
        ("/v2/models/other", 404),
    ],
)
def test_a_model_is_ready_when_it_is_active(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert ("error" in response.json) == (status == 404)


def test_pictures_in_a_tensor(client: FlaskClient, plane: Any, picture: Draw) -> None:
    body = tensor(picture(8, 4), picture(9, 5), id="42")
    assert client.post("/v2/models/digits/infer", json=body).json == {
        "id": "42",
        "model_name": "digits",
        "model_version": "1.2",
        "outputs": [
            {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["8x4", "9x5"]},
            {"name": "confidence", "datatype": "FP64", "shape": [2], "data": [0.75, 0.75]},
        ],
    }
    assert plane.calls[0][1] == Hints(name="digits")


def test_rows_of_one_picture_and_one_output(client: FlaskClient, picture: Draw) -> None:
    body = tensor(picture(), outputs=[{"name": "text"}])
    body["inputs"][0]["data"] = [body["inputs"][0]["data"]]
    answer = client.post("/v2/models/digits/versions/1.2/infer", json=body).json
    assert [output["name"] for output in answer["outputs"]] == ["text"]


def binary(*contents: bytes) -> tuple[bytes, dict[str, str]]:
    header = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [len(contents)]}]}).encode()
    data = b"".join(struct.pack("<I", len(content)) + content for content in contents)
    return header + data, {"Inference-Header-Content-Length": str(len(header))}


def test_the_binary_extension(client: FlaskClient, plane: Any, picture: Draw) -> None:
    body, headers = binary(picture(8, 4), picture(9, 5))
    answer = client.post("/v2/models/digits/infer", data=body, headers=headers).json
    assert answer["outputs"][0]["data"] == ["8x4", "9x5"]
    assert plane.calls[0][0] == [picture(8, 4), picture(9, 5)]


@pytest.mark.parametrize("lost", [1, 10, 70])
def test_a_binary_tensor_that_is_cut_off(client: FlaskClient, picture: Draw, lost: int) -> None:
    body, headers = binary(picture())
    response = client.post("/v2/models/digits/infer", data=body[:-lost], headers=headers)
    assert response.status_code == 400
    assert "cut off" in response.json["error"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": []},
        {"inputs": [5]},
        {"inputs": [{"datatype": "FP32", "data": [1.0]}]},
        {"inputs": [{"datatype": "BYTES"}]},
        {"inputs": [{"datatype": "BYTES", "data": []}]},
        {"inputs": [{"datatype": "BYTES", "data": ["?"]}]},
        {"inputs": [{"datatype": "BYTES", "data": ["QUJD"]}]},
        tensor(b"x", outputs=[{"name": "colour"}]),
        tensor(b"x", outputs={"name": "text"}),
        tensor(b"x", outputs=[{"name": {}}]),
    ],
)
def test_what_is_no_such_request(client: FlaskClient, body: object) -> None:
    response = client.post("/v2/models/digits/infer", json=body)
    assert response.status_code == 400
    assert response.json["error"] == response.json["message"]


@pytest.mark.parametrize("length", ["-1", "x", "0", "100000"])
def test_a_header_length_that_cannot_be(client: FlaskClient, picture: Draw, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length}
    response = client.post("/v2/models/digits/infer", json=tensor(picture()), headers=headers)
    assert response.status_code == 400


def test_a_version_that_does_not_answer(client: FlaskClient, plane: Any, picture: Draw) -> None:
    response = client.post("/v2/models/digits/versions/1.3/infer", json=tensor(picture()))
    assert response.status_code == 404
    assert "rejected" in response.json["error"]
    assert plane.calls == []
    plane.statuses = [ModelStatus("digits", "1.1", "active")]
    response = client.post("/v2/models/digits/versions/1.1/infer", json=tensor(picture()))
    assert response.status_code == 404
    assert "replaced by 1.2" in response.json["error"]
