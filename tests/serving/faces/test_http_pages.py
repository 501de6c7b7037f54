import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from serving.face_settings import SecuritySection
from serving.http.app import create_app
from serving.http.facilities import Facilities
from serving.http.guard import name_of
from serving.http.openapi import OPERATIONS
from serving.http.options import DropIn, HttpOptions
from serving.http.pages import FILES
from serving.metrics import Metrics
from serving.pictures import RequestLimits
from serving.security.gate import Gate
from tests.serving.faces.test_http_admin import FakeAdmin
from tests.serving.security.test_keys import write


@pytest.fixture
def whole(plane: Any, tmp_path: Any) -> Flask:
    """Everything that can be switched on."""
    path = write(tmp_path / "keys.yaml", Legacy={"AccessKey": "a", "SecretKey": "b"})
    gate = Gate(SecuritySection(Keys=path, LegacySignature=True))
    options = HttpOptions(
        drop_in=frozenset(DropIn),
        routes={"/captcha/v1": ["/ocr"]},
        request_names={"image": "img"},
        answer_names={"code": "c"},
    )
    facilities = Facilities(gate=gate, metrics=Metrics(), admin=FakeAdmin())
    return create_app(plane, RequestLimits(max_pictures=7), options, facilities)


@pytest.fixture
def api(whole: Flask) -> dict[str, Any]:
    document: dict[str, Any] = whole.test_client().get("/openapi.json").json
    return document


def test_every_route_is_described_and_every_description_is_of_a_route(whole: Flask) -> None:
    names = {name_of(rule.endpoint) for rule in whole.url_map.iter_rules() if not rule.endpoint.startswith("pages.")}
    assert names == set(OPERATIONS)


def test_paths_and_methods_are_those_of_the_application(whole: Flask, api: dict[str, Any]) -> None:
    assert set(api["paths"]["/ocr"]) == {"post"}
    assert set(api["paths"]["/v2/models/{name}/versions/{number}/infer"]) == {"post"}
    parameters = api["paths"]["/v2/models/{name}/versions/{number}/infer"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters if parameter["in"] == "path"] == ["name", "number"]
    adapter = whole.url_map.bind("localhost")
    for path, methods in api["paths"].items():
        for method in methods:
            adapter.match(re.sub(r"\{\w+\}", "x", path), method=method.upper())  # raises what is not there


def test_limits_names_statuses_and_scopes_are_in_it(api: dict[str, Any]) -> None:
    question = api["components"]["schemas"]["Question"]["properties"]
    assert question["img"]["oneOf"][1]["maxItems"] == 7
    answer = api["components"]["schemas"]["Answer"]["properties"]
    assert "c" in answer
    assert "c" in answer["results"]["items"]["properties"]
    assert {"c", "available"} <= set(api["components"]["schemas"]["Refusal"]["properties"])
    v1 = api["paths"]["/captcha/v1"]["post"]
    assert set(v1["responses"]) == {"200", "400", "401", "403", "404", "413", "415", "429", "431", "503", "504"}
    assert "scope infer" in v1["description"]
    assert {} in v1["security"]
    (load,) = (found for path, found in api["paths"].items() if path.endswith("/load") and "repository" in path)
    assert {} not in load["post"]["security"]
    assert "signature, or a key" in api["paths"]["/captcha/auth/v2"]["post"]["description"]
    assert "security" not in api["paths"]["/v2/health/live"]["get"]


def test_every_form_of_a_request_is_in_it(api: dict[str, Any]) -> None:
    def forms(path: str) -> set[str]:
        return set(api["paths"][path]["post"]["requestBody"]["content"])

    assert forms("/captcha/v1") >= {"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}
    assert forms("/captcha/v1") >= {"text/plain", "image/*", "application/octet-stream"}
    assert forms("/b") == {"multipart/form-data"}
    assert "need_confidence" in api["components"]["schemas"]["Files"]["properties"]
    infer = api["paths"]["/v2/models/{name}/infer"]["post"]
    assert "Inference-Header-Content-Length" in {parameter["name"] for parameter in infer["parameters"]}
    assert "application/octet-stream" in infer["requestBody"]["content"]
    assert api["paths"]["/v2/repository/index"]["post"]["requestBody"]["required"] is False


@pytest.mark.parametrize(
    ("method", "path", "schema"),
    [
        ("get", "/service/info", "Info"),
        ("get", "/v2/models/digits", "Metadata"),
        ("post", "/v2/repository/index", "Indexed"),
    ],
)
def test_what_is_answered_has_the_fields_that_are_told(
    client: FlaskClient, api: dict[str, Any], method: str, path: str, schema: str
) -> None:
    answer = client.open(path, method=method).json
    one = answer[0] if isinstance(answer, list) else answer
    assert one.keys() == api["components"]["schemas"][schema]["properties"].keys()


def test_references_lead_somewhere(api: dict[str, Any]) -> None:
    named = set(re.findall(r"'#/components/schemas/(\w+)'", str(api)))
    assert named
    assert named <= set(api["components"]["schemas"])


@pytest.mark.parametrize("path", FILES)
def test_pages_need_no_key_and_nothing_from_elsewhere(whole: Flask, path: str) -> None:
    response = whole.test_client().get(path)
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"(?:src|href|url|fetch|import)\W{1,3}(?:https?:)?//", response.text)
    for linked in re.findall(r'(?:src|href)="(/[^"]*)"', response.text):
        assert whole.test_client().get(linked).status_code == 200


def test_pages_put_text_in_as_text(whole: Flask) -> None:
    client = whole.test_client()
    for path in FILES:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", client.get(path).text)


def test_pages_can_be_switched_off(client_for: Callable[..., FlaskClient]) -> None:
    client = client_for(console=False)
    assert client.get("/").status_code == 404
    assert client.get("/docs").status_code == 404
    assert client.get("/openapi.json").status_code == 200
