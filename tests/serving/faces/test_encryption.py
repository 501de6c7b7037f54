import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from contract.errors import ConfigError
from serving.certificate import Certificate
from serving.client import Credentials, GrpcClient, HttpClient, RefusedError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.http.server import HttpServer
from serving.pictures import RequestLimits
from serving.security.gate import Gate
from serving.security.keys import digest_of
from tests.serving.security.test_keys import write

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
Draw = Callable[..., bytes]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True)
    return chain, key


@pytest.fixture
def server(pair: tuple[Path, Path], serve_http: Callable[..., HttpServer]) -> HttpServer:
    facilities = Facilities(certificate=Certificate.read(*pair))
    return serve_http(limits=RequestLimits(max_body_bytes=4_000_000), facilities=facilities)


def post(server: HttpServer, pair: tuple[Path, Path], content: bytes) -> requests.Response:
    url = f"https://127.0.0.1:{server.ports[0]}/captcha/v3"
    return requests.post(url, data=content, timeout=20, verify=str(pair[0]))


def test_http_is_encrypted(server: HttpServer, pair: tuple[Path, Path], picture: Draw) -> None:
    assert post(server, pair, picture()).json()["message"] == "16x6"
    with HttpClient(f"https://127.0.0.1:{server.ports[0]}", credentials=Credentials(authority=pair[0])) as client:
        assert [client.read(picture(width, 4)).text for width in (8, 9)] == ["8x4", "9x4"]


def test_a_large_body_and_many_at_once(server: HttpServer, pair: tuple[Path, Path], picture: Draw) -> None:
    large = picture(1200, 900, "BMP")
    assert len(large) > 1_000_000
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(server, pair, large), range(24)))
    assert {answer.json()["message"] for answer in answers} == {"1200x900"}


def test_a_large_answer_arrives_whole(server: HttpServer, pair: tuple[Path, Path], plane: Any) -> None:
    plane.statuses = plane.statuses * 20_000
    answer = requests.get(f"https://127.0.0.1:{server.ports[0]}/v2/models", timeout=20, verify=str(pair[0]))
    assert len(answer.json()["models"]) == 40_000


def test_who_speaks_no_tls_or_nothing_holds_up_nobody(
    server: HttpServer, pair: tuple[Path, Path], picture: Draw
) -> None:
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10):  # says nothing at all
            assert post(server, pair, picture()).status_code == 200
        with suppress(ConnectionResetError):
            while plain.recv(1000):  # an alert of TLS, then the end
                pass


def test_old_versions_are_refused(server: HttpServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_what_was_accepted_is_finished(server: HttpServer, pair: tuple[Path, Path], plane: Any, picture: Draw) -> None:
    plane.gate = threading.Event()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(post, server, pair, picture())
        assert plane.waiting.acquire(timeout=10)
        server.stop_accepting()
        plane.gate.set()
        assert waiting.result(10).json()["message"] == "16x6"
        server.stop(5.0)


def test_grpc_is_encrypted_and_keys_open_it(
    pair: tuple[Path, Path], serve_rpc: Callable[..., Any], picture: Draw, tmp_path: Path
) -> None:
    path = write(tmp_path / "keys.yaml", {"Name": "shop", "SHA256": digest_of("open")})
    gate = Gate(SecuritySection(Keys=path))
    address = f"localhost:{serve_rpc(certificate=Certificate.read(*pair), gate=gate).port}"
    with GrpcClient(address, credentials=Credentials(key="open", authority=pair[0]), tls=True) as client:
        assert client.read(picture()).text == "16x6"
        assert [result.text for batch in client.stream([[picture()]]) for result in batch] == ["16x6"]
    for key, status in (("", "UNAUTHENTICATED"), ("wrong", "UNAUTHENTICATED")):
        with (
            GrpcClient(address, credentials=Credentials(key=key, authority=pair[0]), tls=True) as client,
            pytest.raises(RefusedError) as caught,
        ):
            client.read(picture())
        assert (caught.value.status, caught.value.code) == (status, 401)


def test_what_is_no_certificate(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nonsense")
    for chain, key in ((broken, pair[1]), (pair[0], broken), (tmp_path / "none", pair[1])):
        with pytest.raises(ConfigError, match="are no certificate with its private key"):
            Certificate.read(chain, key)


def test_what_no_model_has_room_for_is_refused_over_tls_too(
    server: HttpServer, pair: tuple[Path, Path], plane: Any, picture: Draw
) -> None:
    plane.is_full = True
    assert post(server, pair, picture()).status_code == 503
    plane.is_full = False
    assert post(server, pair, picture()).json()["message"] == "16x6"
