"""T13: told to end at any moment, the service loses nothing that it has accepted, over both transports."""

import http.client
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from serving.client import GrpcClient, Patience, UnreachableError
from tests.serving.rig import Shop, eventually, picture
from tests.serving.test_daemon import Running

GRAY = 7
CLIENTS = 3  # of each transport


class Client:
    """Asks without pause until it is told that the service ends.

    Attributes:
        answered: how many answers it has had.
        lost: what a client must not see; empty if all went well.
    """

    def __init__(self, ask_on: Callable[["Client"], None]) -> None:
        self.answered = 0
        self.lost = ""
        self._thread = threading.Thread(target=ask_on, args=[self], daemon=True)
        self._thread.start()

    def note(self, text: str) -> None:
        self.answered += 1
        if text != f"digits1.0-{GRAY}":
            self.lost = f"read {text!r}"

    def is_done(self) -> bool:
        self._thread.join(20)
        return not self._thread.is_alive()


def over_http(url: str) -> Callable[[Client], None]:
    """One connection that is kept: no request on it may fail before an answer has said that it closes."""

    def ask_on(client: Client) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        try:
            told = False
            while not (told or client.lost):
                connection.request("POST", "/captcha/v3", picture(GRAY), {"Accept": "application/json"})
                answer = connection.getresponse()
                client.note(json.loads(answer.read())["message"])
                told = answer.getheader("Connection") == "close"
        except (OSError, http.client.HTTPException) as error:
            client.lost = repr(error)
        finally:
            connection.close()

    return ask_on


def over_grpc(url: str) -> Callable[[Client], None]:
    """Calls may be turned away as UNAVAILABLE, which is safe to try elsewhere, and in no other way."""

    def ask_on(client: Client) -> None:
        with GrpcClient(urlsplit(url).netloc, Patience(seconds=20, retries=0)) as service:
            try:
                while not client.lost:
                    client.note(service.read(picture(GRAY)).text)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells
                turned_away = isinstance(error, UnreachableError) and "UNAVAILABLE" in str(error)
                turned_away |= getattr(error, "status", "") == "UNAVAILABLE"
                client.lost = "" if turned_away else repr(error)

    return ask_on


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal that it can catch")
@pytest.mark.parametrize("runs", [3, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1500)])])
def test_nothing_that_was_accepted_is_lost(shop: Shop, runs: int) -> None:
    shop.publish(delay=0.01)
    chance = random.Random(runs)
    for _ in range(runs):
        running = Running(shop, "--max-batch", "2")
        try:
            eventually(lambda running=running: running.get("/v2/health/ready").status_code == 200)
            http_url, grpc_url = running.addresses
            clients = [Client(ask_on) for _ in range(CLIENTS) for ask_on in (over_http(http_url), over_grpc(grpc_url))]
            eventually(lambda clients=clients: all(client.answered or client.lost for client in clients))
            time.sleep(chance.uniform(0, 0.2))
            assert running.end(signal.SIGTERM) == 0
            assert all(client.is_done() for client in clients)
            assert [client.lost for client in clients] == [""] * len(clients)
            assert "Traceback" not in running.log
        finally:
            running.process.kill()
            running.process.communicate(timeout=10)
