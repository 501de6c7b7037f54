from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop


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
