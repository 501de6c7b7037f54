import base64
import gzip
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
        "file": "",
        "since": 0.0,
    }
    assert (rejected["version"], rejected["state"], rejected["reason"]) == ("1.3", "rejected", "digest differs")


def test_what_is_wrong_is_listed_beside_the_models(client: FlaskClient) -> None:
    told = client.get("/v2/models").json
    assert told["degraded"] == ["/models cannot be read"]
    assert told["ambiguities"] == ["size 160x60: digits comes before letters"]


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
        ("discovered", "UNAVAILABLE"),
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


@pytest.mark.parametrize("given", ["x" * 201, 5])
def test_an_id_that_is_not_to_be_repeated_is_refused(client: FlaskClient, picture: Draw, given: object) -> None:
    response = client.post("/v2/models/digits/infer", json=tensor(picture(), id=given))
    assert (response.status_code, "'id'" in response.json["error"]) == (400, True)


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


def tensors_behind(response: Any) -> tuple[dict[str, Any], bytes]:
    length = int(response.headers["Inference-Header-Content-Length"])
    return json.loads(response.data[:length]), response.data[length:]


def test_outputs_as_bytes(client: FlaskClient, picture: Draw) -> None:
    body = tensor(picture(8, 4), picture(16, 5), parameters={"binary_data_output": True})
    answer, behind = tensors_behind(client.post("/v2/models/digits/infer", json=body))
    assert [output["parameters"]["binary_data_size"] for output in answer["outputs"]] == [15, 16]
    assert "data" not in answer["outputs"][0]
    assert behind == b"\3\0\0\0008x4\4\0\0\00016x5" + struct.pack("<dd", 0.75, 0.75)


def test_one_output_as_bytes_and_one_as_json(client: FlaskClient, picture: Draw) -> None:
    wanted = [{"name": "text", "parameters": {"binary_data": False}}, {"name": "confidence"}]
    body = tensor(picture(), outputs=wanted, parameters={"binary_data_output": True})
    answer, behind = tensors_behind(client.post("/v2/models/digits/infer", json=body))
    assert answer["outputs"][0]["data"] == ["16x6"]
    assert struct.unpack("<d", behind) == (0.75,)


def test_a_column_of_pictures(client: FlaskClient, picture: Draw) -> None:
    body = tensor(picture(8, 4), picture(9, 5))
    body["inputs"][0]["shape"] = [2, 1]
    assert client.post("/v2/models/digits/infer", json=body).json["outputs"][0]["shape"] == [2]


def test_bytes_that_are_not_as_many_as_said(client: FlaskClient) -> None:
    header = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 9}}
    said = json.dumps({"inputs": [header]}).encode()
    content = said + struct.pack("<I", 4) + b"abcd"
    headers = {"Inference-Header-Content-Length": str(len(said))}
    response = client.post("/v2/models/digits/infer", data=content, headers=headers)
    assert response.status_code == 400
    assert "there are 8 bytes" in response.json["error"]


def test_the_index_of_those_that_are_ready(client: FlaskClient) -> None:
    index = "/v2/repository/index"
    assert [model["version"] for model in client.post(index, json={"ready": True}).json] == ["1.2"]
    assert len(client.post(index, json={"ready": False}).json) == len(client.post(index, json={}).json) == 2
    assert "'ready' is 5" in client.post(index, json={"ready": 5}).json["error"]


@pytest.mark.parametrize("path", ["/v2/models/digits/infer", "/captcha/v1"])
def test_a_compressed_body_is_refused_as_such(client: FlaskClient, picture: Draw, path: str) -> None:
    body = gzip.compress(json.dumps(tensor(picture())).encode())
    response = client.post(path, data=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    assert response.status_code == 415
    assert "Content-Encoding" in response.json["message"]
    assert ("error" in response.json) == path.startswith("/v2")


@pytest.mark.parametrize(("path", "status"), [("/v2/nothing", 404), ("/v2/models", 405)])
def test_errors_beside_the_routes_are_in_the_protocols_form(client: FlaskClient, path: str, status: int) -> None:
    response = client.post(path)
    assert (response.status_code, response.json["error"]) == (status, response.json["message"])


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
        {**tensor(b"x"), "parameters": 5},
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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "IMAGEX"}, "no input 'IMAGEX'"),
        *(({"shape": shape}, "shape is") for shape in (None, 1, [5], [], [1.0], [True], [-1, -1], [1, 1, 1])),
    ],
)
def test_a_tensor_that_is_not_what_its_header_says(
    client: FlaskClient, picture: Draw, wrong: dict[str, object], said: str
) -> None:
    body = tensor(picture())
    body["inputs"][0] |= wrong
    response = client.post("/v2/models/digits/infer", json=body)
    assert response.status_code == 400
    assert said in response.json["error"]


@pytest.mark.parametrize("length", ["-1", "x", "0", "100000", "9" * 5000])
def test_a_header_length_that_cannot_be(client: FlaskClient, picture: Draw, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length}
    response = client.post("/v2/models/digits/infer", json=tensor(picture()), headers=headers)
    assert response.status_code == 400


def test_no_more_elements_are_taken_apart_than_may_come(client: FlaskClient) -> None:
    header = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1_000_000]}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header))}
    response = client.post("/v2/models/digits/infer", data=header + bytes(4_000_000), headers=headers)
    assert response.status_code in {400, 413}
    assert "pictures" in response.json["error"]


def test_a_version_that_does_not_answer(client: FlaskClient, plane: Any, picture: Draw) -> None:
    response = client.post("/v2/models/digits/versions/1.3/infer", json=tensor(picture()))
    assert response.status_code == 404
    assert "rejected" in response.json["error"]
    assert plane.calls == []
    plane.statuses = [ModelStatus("digits", "1.1", "active")]
    response = client.post("/v2/models/digits/versions/1.1/infer", json=tensor(picture()))
    assert response.status_code == 404
    assert "replaced by 1.2" in response.json["error"]
