import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

from contract.errors import ConfigError
from serving.answer import Hints
from serving.client import Credentials, GrpcClient, HttpClient, RefusedError
from serving.daemon import assemble
from serving.faces import Faces, build
from serving.metrics import Metrics
from serving.security.keys import digest_of
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Shop, picture, settings
from tests.serving.security.test_keys import write


@pytest.fixture
def running(shop: Shop, engine: FakeEngine) -> Callable[..., Any]:
    @contextmanager
    def run(**values: Any) -> Iterator[Faces]:
        """Both transports on free ports, over one model that is loaded."""
        shop.publish()
        metrics = Metrics()
        chosen = settings(shop, Listen__Ports=[0], Listen__GrpcPort=0, **values)
        plane, lifecycle = assemble(chosen, engine, meter=metrics)
        for _ in range(3):
            lifecycle.step()
        faces = build(chosen, plane, lifecycle, metrics)
        for transport in faces.transports:
            transport.start()
        try:
            yield faces
        finally:
            for transport in faces.transports:
                transport.stop(5)
            lifecycle.stop(5)

    return run


def web(faces: Faces) -> str:
    return f"http://127.0.0.1:{faces.http.ports[0]}"


def encoded(gray: int = 5) -> str:
    return base64.b64encode(picture(gray)).decode()


def test_names_and_routes_are_those_of_the_settings(running: Callable[..., Any]) -> None:
    values = {
        "Http__RequestNames": {"image": "img", "model_name": "which"},
        "Http__AnswerNames": {"message": "result"},
        "Http__Routes": {"/captcha/v1": ["/ocr"]},
    }
    with running(**values) as faces:
        for path in ("/captcha/v1", "/ocr"):
            answer = requests.post(web(faces) + path, json={"img": encoded(), "which": "digits"}, timeout=10).json()
            assert answer["result"] == "digits1.0-5"
        assert requests.post(f"{web(faces)}/ocr", json={"image": encoded()}, timeout=10).status_code == 400


def test_our_own_client_is_answered_whatever_old_clients_are_used_to(running: Callable[..., Any]) -> None:
    values = {
        "Http__RequestNames": {"image": "img", "model_name": "which"},
        "Http__AnswerNames": {"message": "result", "results": "all"},
        "Http__LegacyHttp200": True,
    }
    with running(**values) as faces, HttpClient(web(faces)) as client:
        assert client.read(picture(5), Hints(name="digits")).text == "digits1.0-5"
        with pytest.raises(RefusedError, match="no model has the name") as caught:
            client.read(picture(5), Hints(name="letters"))
        assert (caught.value.status, caught.value.code) == (404, 999)


def test_old_clients_get_what_they_know(running: Callable[..., Any]) -> None:
    values = {
        "Http__LegacyHttp200": True,
        "Http__DropIn": ["cnn_captcha", "captcha_identification", "tensorflow-101"],
        "Grpc__LegacyOk": True,
    }
    with running(**values) as faces:
        refused = requests.post(f"{web(faces)}/captcha/v1", json={"image": "?"}, timeout=10)
        assert (refused.status_code, refused.json()["code"]) == (200, 500002)
        files = {"image_file": ("a.png", picture(5))}
        assert requests.post(f"{web(faces)}/b", files=files, timeout=10).json()["value"] == "digits1.0-5"
        answer = requests.post(f"{web(faces)}/captcha", json={"pic": encoded()}, timeout=10).json()
        assert answer == {"status": "OK", "result": "digits1.0-5"}
        assert requests.get(f"{web(faces)}/ping", timeout=10).text == "pong"
        with grpc.insecure_channel(f"127.0.0.1:{faces.rpc.port}") as channel:
            assert PredictStub(channel).predict(PredictRequest(image="?")).code == 500002


def test_what_is_off_is_not_there(running: Callable[..., Any]) -> None:
    with running(Http__Console=False, Grpc__Reflection=False) as faces:
        for path in ("/", "/docs", "/b"):
            assert requests.post(web(faces) + path, timeout=10).status_code == 404
        assert requests.post(f"{web(faces)}/captcha/auth/v2", timeout=10).status_code == 401
        from grpc_reflection.v1alpha import reflection_pb2 as messages  # noqa: PLC0415
        from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub  # noqa: PLC0415

        request = messages.ServerReflectionRequest(list_services="")
        with grpc.insecure_channel(f"127.0.0.1:{faces.rpc.port}") as channel, pytest.raises(grpc.RpcError) as caught:
            next(ServerReflectionStub(channel).ServerReflectionInfo(iter([request])))
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_one_key_file_guards_both_and_metrics_see_both(running: Callable[..., Any], tmp_path: Path) -> None:
    scopes = ["infer", "metrics", "admin"]
    keys = write(tmp_path / "keys.yaml", {"Name": "boss", "SHA256": digest_of("boss"), "Scopes": scopes})
    boss = {"Authorization": "Bearer boss"}
    with running(Security__Keys=str(keys)) as faces:
        assert requests.post(f"{web(faces)}/captcha/v1", data=picture(5), timeout=10).status_code == 401
        good = requests.post(f"{web(faces)}/captcha/v1", data=picture(5), headers=boss, timeout=10)
        assert good.json()["message"] == "digits1.0-5"
        assert "app;dur=" in good.headers["Server-Timing"]
        address = f"127.0.0.1:{faces.rpc.port}"
        with GrpcClient(address) as client, pytest.raises(RefusedError, match="a key is needed"):
            client.read(picture(5))
        with GrpcClient(address, credentials=Credentials(key="boss")) as client:
            assert client.read(picture(6)).text == "digits1.0-6"
        text = requests.get(f"{web(faces)}/metrics", headers=boss, timeout=10).text
        assert 'cps_requests_total{protocol="grpc",route="predict",status="UNAUTHENTICATED"} 1.0' in text
        assert 'cps_requests_total{protocol="grpc",route="predict",status="OK"} 1.0' in text
        assert 'cps_requests_total{protocol="http",route="/captcha/v1",status="200"} 1.0' in text
        assert 'cps_pictures_total{model="digits",version="1.0"} 2.0' in text
        asked = requests.post(f"{web(faces)}/v2/repository/models/digits/unload", headers=boss, timeout=10)
        assert asked.json() == {"name": "digits"}


def test_addresses_say_where_and_how(running: Callable[..., Any]) -> None:
    with running() as faces:
        assert faces.addresses == [f"http://127.0.0.1:{faces.http.ports[0]}", f"grpc://127.0.0.1:{faces.rpc.port}"]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("Http__DropIn", ["nobody"], r"Http\.DropIn"),
        ("Http__RequestNames", {"picture": "img"}, r"Http\.RequestNames"),
        ("Http__Routes", {"/captcha/v1": ["ocr"]}, "a path such as '/ocr'"),
        ("Security__Allow", ["10.0.0.300"], "is no address and no network"),
        ("Security__KeyQuota", {"PerSecond": 0.0, "Burst": 1}, "PerSecond"),
        ("Security__LegacySignature", True, r"needs Security\.Keys"),
        ("Tls__Certificate", "chain.pem", "both Certificate and PrivateKey"),
    ],
)
def test_settings_that_cannot_be(shop: Shop, key: str, value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        settings(shop, **{key: value})
