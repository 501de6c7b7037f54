"""A data plane that answers each picture with its size, and servers over it on free ports."""

import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image, UnidentifiedImageError

from contract.decode import Symbol
from contract.errors import DamagedPictureError
from serving import turns
from serving.answer import Answer, Hints, ModelStatus, QueueStatus
from serving.errors import DeadlineError, ServingError, UnknownModelError, UnreadablePictureError
from serving.face_settings import SecuritySection
from serving.http.app import create_app
from serving.http.facilities import Facilities
from serving.http.options import HttpOptions
from serving.http.server import HttpServer
from serving.metrics import Metrics
from serving.rpc.options import RpcOptions
from serving.rpc.server import RpcServer
from serving.security.gate import Gate
from serving.security.keys import digest_of
from tests.serving.faces.browser import Browser
from tests.serving.faces.test_http_admin import FakeAdmin
from tests.serving.security.test_keys import write


class FakePlane:
    def __init__(self) -> None:
        self.statuses = [
            ModelStatus("digits", "1.2", "active", sha256="ab", type="number", sites=("shop",), size=(160, 60)),
            ModelStatus("digits", "1.3", "rejected", reason="digest differs", file="digits-1.3.yaml", since=1.6e9),
        ]
        self.failure: Exception | None = None
        self.failures = 1000
        self.gate: threading.Event | None = None
        self.waiting = threading.Semaphore(0)
        self.calls: list[tuple[list[bytes], Hints, float | None]] = []
        self.is_ready = True
        self.is_full = False

    def recognize(self, pictures: Sequence[bytes], hints: Hints, *, deadline: float | None = None) -> list[Answer]:
        self.calls.append((list(pictures), hints, deadline))
        if self.gate:
            self.waiting.release()
            turns.here().leave()  # as who waits for a model
            assert self.gate.wait(10)
        if self.failure and self.failures:
            self.failures -= 1
            raise self.failure
        if deadline is not None and deadline < time.monotonic():
            raise DeadlineError("too late")
        return [self._read(picture, hints) for picture in pictures]

    def models(self) -> list[ModelStatus]:
        return self.statuses

    def queues(self) -> list[QueueStatus]:
        return [QueueStatus("digits", "1.2", 0, 0)]

    def full(self, _more: int) -> bool:
        return self.is_full

    def ready(self) -> bool:
        return self.is_ready

    def degraded(self) -> list[str]:
        return ["/models cannot be read"]

    def ambiguities(self) -> list[str]:
        return ["size 160x60: digits comes before letters"]

    def _read(self, picture: bytes, hints: Hints) -> Answer:
        if hints.name not in {"", "digits"}:
            return Answer(error=UnknownModelError(f"there is no model {hints.name!r}"))
        try:
            with Image.open(io.BytesIO(picture)) as image:
                image.load()
        except UnidentifiedImageError:
            return Answer(error=UnreadablePictureError("not a picture"))
        except OSError as cause:
            error: ServingError = UnreadablePictureError("cut off")
            error.__cause__ = DamagedPictureError(str(cause))
            return Answer(error=error)
        text = f"{image.width}x{image.height}"
        return Answer(text, 0.75, (Symbol(text, 0.9),), "digits", "1.2")


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
def picture() -> Callable[..., bytes]:
    def draw(width: int = 16, height: int = 6, file_format: str = "PNG") -> bytes:
        file = io.BytesIO()
        Image.new("L", (width, height), 200).save(file, file_format)
        return file.getvalue()

    return draw


@pytest.fixture
def client_for(plane: FakePlane) -> Callable[..., FlaskClient]:
    def client(limits: Any = None, facilities: Any = None, **options: Any) -> FlaskClient:
        return create_app(plane, limits, HttpOptions(**options), facilities).test_client()

    return client


@pytest.fixture
def client(client_for: Callable[..., FlaskClient]) -> FlaskClient:
    return client_for()


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.http.connections.QUIET_SECONDS", 0.1)


@pytest.fixture
def serve_http(plane: FakePlane) -> Iterator[Callable[..., HttpServer]]:
    with ExitStack() as stack:

        def serve(count: int = 1, limits: Any = None, facilities: Any = None, **options: Any) -> HttpServer:
            server = HttpServer(plane, "127.0.0.1", [0] * count, limits, HttpOptions(**options), facilities)
            server.start()
            stack.callback(server.stop, 5.0)
            return server

        yield serve


@pytest.fixture
def serve_rpc(plane: FakePlane) -> Iterator[Callable[..., RpcServer]]:
    with ExitStack() as stack:

        def serve(limits: Any = None, **options: Any) -> RpcServer:
            server = RpcServer(plane, "127.0.0.1", 0, limits, RpcOptions(**options))
            server.start()
            stack.callback(server.stop, 5.0)
            return server

        yield serve


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


@pytest.fixture
def console(plane: Any, serve_http: Callable[..., HttpServer], admin: FakeAdmin, tmp_path: Path) -> str:
    scopes = ["infer", "admin", "metrics"]
    path = write(tmp_path / "keys.yaml", {"Name": "boss", "SHA256": digest_of("boss"), "Scopes": scopes})
    metrics = Metrics()
    metrics.watch(plane)
    metrics.batch("digits", "1.2", [0.001] * 4, 0.0123)
    plane.statuses = [
        ModelStatus("digits", "1.2", "active", "it is higher", size=(160, 60), accuracy=0.987, golden=8, latency=4.5),
        ModelStatus("digits", "1.1", "discovered", "complete; 1.2 serves", size=(160, 60)),
        ModelStatus("digits", "1.3", "rejected", "<b>digest</b> differs " * 8),
    ]
    gate = Gate(SecuritySection(Keys=path))
    server = serve_http(facilities=Facilities(gate=gate, meter=metrics, metrics=metrics, admin=admin))
    return f"http://127.0.0.1:{server.ports[0]}/"


@pytest.fixture
def browse(console: str, tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    opened: list[Browser] = []

    def browse(width: int = 1280, *, dark: bool = False) -> Browser:
        browser = Browser(tmp_path / f"profile{len(opened)}", width, dark=dark)
        opened.append(browser)
        browser.open(console)
        return browser

    yield browse
    for browser in opened:
        browser.close()
