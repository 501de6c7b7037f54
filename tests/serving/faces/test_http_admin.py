from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.errors import UnknownModelError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.metrics import Metrics
from serving.security.gate import Gate
from serving.security.keys import digest_of
from tests.serving.security.test_keys import write

BOSS = {"X-API-Key": "boss"}
ACTIONS = [
    ("/v2/repository/models/digits/load", ("load", "digits"), {"name": "digits"}),
    ("/v2/repository/models/digits/unload", ("unload", "digits"), {"name": "digits"}),
    ("/admin/models/digits/pin", ("pin", "digits", "1.2"), {"name": "digits", "pinned": "1.2"}),
    ("/admin/models/digits/unpin", ("unpin", "digits"), {"name": "digits", "pinned": None}),
    ("/admin/models/digits/rollback", ("rollback", "digits"), {"name": "digits", "pinned": "1.1"}),
]


class FakeAdmin:
    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def _note(self, *words: str) -> None:
        if words[1] != "digits":
            raise UnknownModelError("there is no such model")
        self.asked.append(words)

    def load(self, name: str) -> None:
        self._note("load", name)

    def unload(self, name: str) -> None:
        self._note("unload", name)

    def pin(self, name: str, version: str) -> None:
        self._note("pin", name, version)

    def unpin(self, name: str) -> None:
        self._note("unpin", name)

    def rollback(self, name: str) -> str:
        self._note("rollback", name)
        return "1.1"


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


@pytest.fixture
def client(client_for: Callable[..., FlaskClient], admin: FakeAdmin, tmp_path: Path) -> FlaskClient:
    path = write(
        tmp_path / "keys.yaml",
        {"Name": "boss", "SHA256": digest_of("boss"), "Scopes": ["admin"]},
        {"Name": "shop", "SHA256": digest_of("shop")},
        {"Name": "watch", "SHA256": digest_of("watch"), "Scopes": ["metrics"]},
    )
    metrics = Metrics()
    gate = Gate(SecuritySection(Keys=path))
    return client_for(facilities=Facilities(gate=gate, meter=metrics, metrics=metrics, admin=admin))


@pytest.mark.parametrize(("path", "asked", "answer"), ACTIONS)
def test_what_is_asked_for_reaches_the_loader(
    client: FlaskClient,
    admin: FakeAdmin,
    path: str,
    asked: tuple[str, ...],
    answer: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    response = client.post(path, json={"version": "1.2"}, headers=BOSS)
    assert (response.status_code, response.json) == (200, answer)
    assert admin.asked == [asked]
    assert f"{asked[0]} of digits, asked for by boss" in caplog.text


@pytest.mark.parametrize("path", [path for path, _, _ in ACTIONS])
@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"X-API-Key": "shop"}, 403)])
def test_only_with_an_admin_key(
    client: FlaskClient, admin: FakeAdmin, path: str, headers: dict[str, str], status: int
) -> None:
    assert client.post(path, json={"version": "1.2"}, headers=headers).status_code == status
    assert admin.asked == []


def test_without_keys_nobody_administers(client_for: Callable[..., FlaskClient], admin: FakeAdmin) -> None:
    client = client_for(facilities=Facilities(admin=admin))
    response = client.post("/v2/repository/models/digits/unload")
    assert response.status_code == 403
    assert "Security.Keys" in response.json["message"]


def test_mistakes_are_sentences(client: FlaskClient) -> None:
    missing = client.post("/v2/repository/models/nothing/unload", headers=BOSS)
    assert (missing.status_code, missing.json["success"]) == (404, False)
    assert "there is no such model" in missing.json["error"]
    for body in ({}, {"version": 1.2}):
        assert client.post("/admin/models/digits/pin", json=body, headers=BOSS).status_code == 400


def test_metrics_have_a_scope_of_their_own(client: FlaskClient, picture: Callable[..., bytes]) -> None:
    client.post("/captcha/v1", data=picture(), headers={"X-API-Key": "shop"})
    client.get("/secret/path/of/a/client")
    assert client.get("/metrics", headers={"X-API-Key": "shop"}).status_code == 403
    response = client.get("/metrics", headers={"X-API-Key": "watch"})
    assert response.content_type.startswith("text/plain; version=0.0.4")
    text = response.text
    assert 'cps_requests_total{protocol="http",route="/captcha/v1",status="200"} 1.0' in text
    assert 'route="none",status="404"' in text
    assert "secret" not in text


def test_no_routes_without_what_is_behind_them(client_for: Callable[..., FlaskClient]) -> None:
    client = client_for()
    assert client.get("/metrics").status_code == 404
    assert client.post("/admin/models/digits/unpin").status_code == 404
