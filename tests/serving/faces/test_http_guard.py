import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.face_settings import SecuritySection
from serving.forms import NATIVE
from serving.http.facilities import Facilities
from serving.http.guard import scope_of
from serving.security.gate import Clocks, Gate
from serving.security.keys import Scope, digest_of
from serving.security.legacy_signature import sign
from serving.security.quota import QuotaRule
from serving.security.signing import Signable, authorization
from tests.serving.rig import Clock
from tests.serving.security.test_keys import write

Draw = Callable[..., bytes]
SECRET = "0123456789abcdef"
LEGACY = {"AccessKey": "access", "SecretKey": "secret"}


@pytest.fixture
def guarded(client_for: Callable[..., FlaskClient], tmp_path: Path) -> Callable[..., FlaskClient]:
    path = write(
        tmp_path / "keys.yaml",
        {"Name": "shop", "SHA256": digest_of("open")},
        {"Name": "watch", "SHA256": digest_of("watch"), "Scopes": ["metrics"]},
        {"Name": "signer", "Secret": SECRET},
        Legacy=LEGACY,
    )

    def client(options: dict[str, Any] | None = None, **rules: Any) -> FlaskClient:
        gate = Gate(SecuritySection(Keys=path, **rules), Clocks(wall=Clock(), steady=Clock()))
        return client_for(facilities=Facilities(gate=gate), **(options or {}))

    return client


def test_a_key_is_asked_for_and_taken(guarded: Callable[..., FlaskClient], picture: Draw) -> None:
    client = guarded()
    refused = client.post("/captcha/v1", data=picture())
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer, CPS1-HMAC-SHA256"
    assert (refused.json["code"], refused.json["success"]) == (401, False)
    for headers in ({"Authorization": "Bearer open"}, {"X-API-Key": "open"}):
        assert client.post("/captcha/v1", data=picture(), headers=headers).json["message"] == "16x6"
    assert client.get("/v2/models", headers={"X-API-Key": "watch"}).status_code == 403
    assert "error" in client.get("/v2/models").json


def test_nothing_is_read_for_a_stranger(guarded: Callable[..., FlaskClient], plane: Any, picture: Draw) -> None:
    guarded().post("/captcha/v1", data=picture())
    assert plane.calls == []


@pytest.mark.parametrize("path", ["/v2", "/v2/health/live", "/v2/health/ready"])
def test_probes_need_no_key(guarded: Callable[..., FlaskClient], path: str) -> None:
    assert guarded().get(path).status_code == 200


def test_an_unknown_path_needs_no_key_to_be_unknown(guarded: Callable[..., FlaskClient]) -> None:
    assert guarded().get("/nowhere").status_code == 404


def test_a_route_that_is_not_named_needs_a_key() -> None:
    assert scope_of("something.new") is Scope.INFER
    assert scope_of("admin.pin") is Scope.ADMIN
    assert scope_of("metrics.metrics") is Scope.METRICS


@pytest.mark.parametrize("path", ["/x", "/v2/health/else", "/captcha/auth/v3"])
def test_a_further_path_opens_no_route(guarded: Callable[..., FlaskClient], picture: Draw, path: str) -> None:
    client = guarded({"routes": {"/captcha/v1": [path]}})
    assert client.post(path, data=picture()).status_code == 401
    assert client.post(path, data=picture(), headers={"X-API-Key": "open"}).status_code == 200


def test_signed_requests_of_each_form(guarded: Callable[..., FlaskClient], picture: Draw) -> None:
    client = guarded()
    body = json.dumps({"image": base64.b64encode(picture()).decode()}).encode()
    header = authorization("signer", SECRET, Signable("POST", "/captcha/v1", "a=%20", body), 1000.0)
    headers = {"Authorization": header, "Content-Type": "application/json"}
    assert client.post("/captcha/v1?a=+", data=body, headers=headers).json["message"] == "16x6"
    assert client.post("/captcha/v1?a=+", data=body, headers=headers).status_code == 401  # again
    multipart = (
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + picture() + b"\r\n--x--\r\n"
    )
    header = authorization("signer", SECRET, Signable("POST", "/captcha/v1", "", multipart), 1000.0)
    headers = {"Authorization": header, "Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/captcha/v1", data=multipart, headers=headers).json["message"] == "16x6"


def test_a_quota_says_when_to_come_again(guarded: Callable[..., FlaskClient]) -> None:
    client = guarded(KeyQuota=QuotaRule(PerSecond=0.25, Burst=1))
    headers = {"X-API-Key": "open"}
    assert client.get("/v2/models", headers=headers).status_code == 200
    refused = client.get("/v2/models", headers=headers)
    assert (refused.status_code, refused.headers["Retry-After"], refused.json["code"]) == (429, "4", 429)


def test_probes_of_a_balancer_are_not_counted(guarded: Callable[..., FlaskClient]) -> None:
    client = guarded(AddressQuota=QuotaRule(PerSecond=0.25, Burst=1))
    assert {client.get("/v2/health/ready").status_code for _ in range(5)} == {200}
    assert [client.get("/v2").status_code for _ in range(2)] == [200, 429]


def test_an_address_behind_a_proxy_is_denied(guarded: Callable[..., FlaskClient]) -> None:
    client = guarded(Deny=["6.6.6.6"], TrustedProxies=["127.0.0.1"])
    assert client.get("/v2/health/live", headers={"X-Forwarded-For": "6.6.6.6"}).status_code == 403
    assert client.get("/v2/health/live", headers={"X-Forwarded-For": "7.7.7.7"}).status_code == 200


def legacy(picture: bytes, **changes: Any) -> dict[str, Any]:
    parameters = {"image": base64.b64encode(picture).decode(), "accessKey": "access", "timestamp": "1700000000"}
    parameters |= {"model_site": None} | changes
    return {**parameters, "sign": sign(parameters, LEGACY["SecretKey"])}


@pytest.fixture
def signed_as_before(
    guarded: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FlaskClient]:
    monkeypatch.setattr("tests.serving.rig.Clock.__call__", lambda _: 1_700_000_000.0)
    return lambda **options: guarded(options, LegacySignature=True)


def test_the_old_signature(signed_as_before: Callable[..., FlaskClient], picture: Draw) -> None:
    client = signed_as_before()
    assert client.post("/captcha/auth/v2", json=legacy(picture())).json["message"] == "16x6"
    refused = client.post("/captcha/auth/v2", json={**legacy(picture()), "image": "AAAA"})
    assert (refused.status_code, refused.json["code"], refused.json["message"]) == (401, 400006, "Invalid Query String")
    assert client.post("/captcha/v1", json=legacy(picture())).status_code == 401  # only on its own route
    of_a_proxy = {"Authorization": "Basic dTpw"}
    assert client.post("/captcha/auth/v2", json=legacy(picture()), headers=of_a_proxy).status_code == 200


def test_the_old_signature_on_a_further_path(signed_as_before: Callable[..., FlaskClient], picture: Draw) -> None:
    client = signed_as_before(routes={"/captcha/auth/v2": ["/signed"]}, legacy_http200=True)
    assert client.post("/signed", json=legacy(picture())).json["success"] is True
    refused = client.post("/signed", json={**legacy(picture()), "accessKey": "other"})
    assert (refused.status_code, refused.json["code"], refused.json["message"]) == (200, 400005, "Invalid Access Key")


def signed_anew(body: bytes, now: float) -> dict[str, str]:
    signable = Signable("POST", "/captcha/auth/v2", "", body)
    return {"Authorization": authorization("signer", SECRET, signable, now), "Content-Type": "application/json"}


def test_the_signed_route_takes_keys_and_new_signatures_with_and_without_the_old(
    guarded: Callable[..., FlaskClient], signed_as_before: Callable[..., FlaskClient], picture: Draw
) -> None:
    body = json.dumps({"image": base64.b64encode(picture()).decode()}).encode()
    for client in (guarded(), signed_as_before()):
        for headers in (signed_anew(body, 1_700_000_000.0), {"X-API-Key": "open", "Content-Type": "application/json"}):
            answer = client.post("/captcha/auth/v2", data=body, headers=headers)
            assert (answer.status_code, answer.json["message"]) == (200, "16x6")
        assert client.post("/captcha/auth/v2", data=body, headers={"X-API-Key": "wrong"}).status_code == 401
        assert client.post("/captcha/auth/v2", json=json.loads(body)).status_code == 401
        assert client.post("/captcha/auth/v2", json=json.loads(body), headers={"X-API-Key": "watch"}).status_code == 403


def test_the_old_signature_is_off_unless_asked_for(guarded: Callable[..., FlaskClient], picture: Draw) -> None:
    refused = guarded().post("/captcha/auth/v2", json=legacy(picture()))
    assert (refused.status_code, "LegacySignature is off" in refused.json["message"]) == (401, True)


def test_who_is_not_let_in_is_told_in_the_words_of_old_clients(guarded: Callable[..., FlaskClient]) -> None:
    client = guarded({"legacy_http200": True, "answer_names": {"message": "result"}, "routes": {"/captcha/v3": ["/x"]}})
    for refused, code, text in (
        (client.post("/x"), 401, "Unauthorized"),
        (client.get("/captcha/v1"), 405, "Method Not Allowed"),
    ):
        assert (refused.status_code, refused.json["code"], refused.json["result"]) == (200, code, text)
    ours = client.post("/x", headers={"Accept": NATIVE})
    assert (ours.status_code, "a key is needed" in ours.json["message"]) == (401, True)
    assert client.get("/nowhere").status_code == 404
