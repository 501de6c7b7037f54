"""T18, T19 with the numbers of a real attack: many connections, big bodies, guessed and replayed credentials."""

import itertools
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from serving.errors import UnauthenticatedError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.http.server import HttpServer
from serving.pictures import RequestLimits
from serving.security.gate import Gate
from serving.security.keys import KeyEntry, digest_of, new_key
from serving.security.signing import Signable, Verifier, authorization
from tests.serving.rig import eventually
from tests.serving.security.test_keys import write

pytestmark = pytest.mark.slow

Draw = Callable[..., bytes]
Serve = Callable[..., HttpServer]
SECRET = "correct horse battery staple"
REQUEST = Signable("POST", "/captcha/v1", "", b"{}")


def ask(server: HttpServer, content: bytes) -> int:
    return requests.post(f"http://127.0.0.1:{server.ports[0]}/captcha/v3", data=content, timeout=30).status_code


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
def test_two_thousand_connections_that_say_little_or_nothing(serve_http: Serve, picture: Draw) -> None:
    import resource  # noqa: PLC0415

    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < 6000:
        pytest.skip("this machine lets a process have fewer than 6,000 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(few, 6000), most))
    server = serve_http(connections=2500)
    threads = threading.active_count()
    with ExitStack() as crowd:
        for number in range(2000):
            plain = crowd.enter_context(socket.create_connection(("127.0.0.1", server.ports[0]), timeout=30))
            if number % 4 == 1:
                plain.sendall(b"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nContent-Le")
            if number % 4 == 2:
                plain.sendall(b"POST /captcha/v3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        assert [ask(server, picture()) for _ in range(200)] == [200] * 200
        assert threading.active_count() <= threads + 2
    eventually(lambda: len(server._sockets) < 10, seconds=30)


def test_a_hundred_megabytes_of_json(serve_http: Serve, picture: Draw, plane: Any) -> None:
    server = serve_http(limits=RequestLimits(max_body_bytes=8 * 2**20))
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=30) as plain:
        plain.sendall(b"POST /captcha/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        plain.sendall(b"Content-Length: 104857600\r\n\r\n")
        assert plain.recv(12) == b"HTTP/1.1 413"
    assert plane.calls == []
    assert ask(server, picture()) == 200


def test_a_key_that_is_replaced_under_traffic(serve_http: Serve, picture: Draw, tmp_path: Path) -> None:
    keys = [new_key() for _ in range(20)]
    path = write(tmp_path / "keys.yaml", {"Name": "one", "SHA256": digest_of(keys[0])})
    server = serve_http(facilities=Facilities(gate=Gate(SecuritySection(Keys=path))))
    url = f"http://127.0.0.1:{server.ports[0]}/captcha/v3"
    for old, new in itertools.pairwise(keys):
        with requests.Session() as session:
            statuses = [
                session.post(url, picture(), headers={"X-API-Key": key}, timeout=30).status_code for key in (old, new)
            ]
            assert statuses == [200, 401]
            write(path, {"Name": "one", "SHA256": digest_of(old)}, {"Name": "two", "SHA256": digest_of(new)})
            statuses = [
                session.post(url, picture(), headers={"X-API-Key": key}, timeout=30).status_code for key in (old, new)
            ]
            assert statuses == [200, 200]
            write(path, {"Name": "one", "SHA256": digest_of(new)})
            assert session.post(url, picture(), headers={"X-API-Key": old}, timeout=30).status_code == 401


def test_every_replay_is_refused_whoever_is_first() -> None:
    verifier = Verifier(time.time)
    headers = [authorization("shop", SECRET, REQUEST, time.time()) for _ in range(500)]
    taken = []

    def replay() -> None:
        for header in headers:
            try:
                verifier.verify(header, REQUEST, [KeyEntry(Name="shop", Secret=SECRET)])
            except UnauthenticatedError:
                continue
            taken.append(header)

    threads = [threading.Thread(target=replay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(headers)
