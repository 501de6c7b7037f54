import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import logs
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Undo what a command run inside a test does to the log of this process."""
    root, ours = logging.getLogger(), logging.getLogger("serving")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logs._request.set("")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """A fake engine that has not been abused when the test ends, and whose models are all closed."""
    engine = FakeEngine()
    yield engine
    assert engine.abuses == []
    assert [reader.word for reader in engine.readers if not reader.closed] == []


@pytest.fixture
def service_for(shop: Shop, engine: FakeEngine) -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def make(**values: Any) -> Service:
        services.append(Service(shop, engine, **values))
        return services[-1]

    yield make
    for service in services:
        service.lifecycle.stop(5)


@pytest.fixture
def service(service_for: Callable[..., Service]) -> Service:
    return service_for()
