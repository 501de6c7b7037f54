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
from serving.http.options import HttpOptions
from serving.http.pages import FILES
from serving.metrics import Metrics
from serving.pictures import RequestLimits
from serving.security.gate import Gate
from tests.serving.faces.test_http_admin import FakeAdmin
from tests.serving.security.test_keys import write


@pytest.fixture
def whole(plane: Any, tmp_path: Any) -> Flask:
    """Everything that can be switched on, but for other systems' routes."""
    path = write(tmp_path / "keys.yaml", Legacy={"AccessKey": "a", "SecretKey": "b"})
    gate = Gate(SecuritySection(Keys=path, LegacySignature=True))
    options = HttpOptions(routes={"/captcha/v1": ["/ocr"]}, request_names={"image": "img"}, answer_names={"code": "c"})
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
    assert [parameter["name"] for parameter in parameters] == ["name", "number"]
    adapter = whole.url_map.bind("localhost")
    for path, methods in api["paths"].items():
        for method in methods:
            adapter.match(re.sub(r"\{\w+\}", "x", path), method=method.upper())  # raises what is not there


def test_limits_names_statuses_and_scopes_are_in_it(api: dict[str, Any]) -> None:
    question = api["components"]["schemas"]["Question"]["properties"]
    assert question["img"]["oneOf"][1]["maxItems"] == 7
    assert "c" in api["components"]["schemas"]["Answer"]["properties"]
    v1 = api["paths"]["/captcha/v1"]["post"]
    assert set(v1["responses"]) == {"200", "400", "401", "403", "404", "413", "429", "503", "504"}
    assert "scope infer" in v1["description"]
    assert "security" not in api["paths"]["/v2/health/live"]["get"]


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
