"""T17: whatever the OpenAPI document allows, or does not, is answered without a fault of the service."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings

from serving.administration import Administration
from serving.face_settings import SecuritySection
from serving.http.app import create_app
from serving.http.facilities import Facilities
from serving.http.options import DropIn, HttpOptions
from serving.metrics import Metrics
from serving.security.gate import Gate
from serving.security.keys import digest_of
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop
from tests.serving.security.test_keys import write

KEY = {"X-API-Key": "sesame"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("shop")
    shop = Shop(folder)
    for version in ("1.0", "1.1"):
        shop.publish(version=version, file=f"digits{version}")
    service = Service(shop, FakeEngine())
    service.step()
    keys = write(
        folder / "keys.yaml",
        {"Name": "all", "SHA256": digest_of("sesame"), "Scopes": ["infer", "admin", "metrics"]},
        Legacy={"AccessKey": "a", "SecretKey": "b"},
    )
    gate = Gate(SecuritySection(Keys=keys, LegacySignature=True))
    metrics = Metrics()
    metrics.watch(service.plane)
    facilities = Facilities(gate, metrics, metrics, Administration(service.lifecycle))
    return create_app(service.plane, None, HttpOptions(drop_in=frozenset(DropIn)), facilities)


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("examples", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_no_request_is_the_fault_of_the_service(app: Flask, mode: str, examples: int) -> None:
    import schemathesis  # noqa: PLC0415 - it takes seconds

    document = schemathesis.openapi.from_wsgi("/openapi.json", app)
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) > 20
    if mode == "negative":  # what takes nothing, or any bytes, takes nothing that could be wrong
        kinds = ("application/json", "multipart/form-data")
        operations = [one for one in operations if any(body.media_type in kinds for body in one.body)]
        assert len(operations) > 7
    for operation in operations:
        _ask_much(operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)), examples)


def _ask_much(cases: Any, examples: int) -> None:
    @given(case=cases)
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def ask(case: Any) -> None:
        response = case.call(headers={**(case.headers or {}), **KEY})
        assert response.status_code < 500, response.text
        assert b"Traceback" not in response.content

    ask()
