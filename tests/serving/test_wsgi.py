from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from contract.errors import ConfigError
from serving import wsgi
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Shop, eventually, picture


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Run at the end of the test what was to run at the end of the process; leave the log as it is."""
    ends: list[Any] = []
    monkeypatch.setattr("atexit.register", lambda end, *arguments: ends.append((end, arguments)))
    monkeypatch.setattr("serving.logs.configure", lambda *_: None)
    yield ends
    for end, arguments in ends:
        end(*arguments)


def test_the_application_serves_what_is_in_the_folders(
    shop: Shop, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, ended: list[Any]
) -> None:
    shop.publish()
    for key, value in {
        "FOLDERS_GRAPH": str(shop.graph),
        "FOLDERS_MODEL": str(shop.model),
        "SECURITY_ALLOW_ANONYMOUS": "true",
        "MODELS_PREFLIGHT": "false",
    }.items():
        monkeypatch.setenv(f"FOUNDRY_SERVING_{key}", value)
    with patch("engine.open_model", engine):
        client = wsgi.application().test_client()
        eventually(lambda: client.get("/v2/health/ready").status_code == 200)
        assert client.post("/captcha/v1", data=picture(5)).json["message"] == "digits1.0-5"
    assert len(ended) == 1


def test_somebody_must_have_said_who_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOUNDRY_SERVING_SECURITY_KEYS", raising=False)
    with pytest.raises(ConfigError, match=r"set Security\.Keys"):
        wsgi.application()


def test_encryption_that_only_the_server_can_do_is_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOUNDRY_SERVING_SECURITY_ALLOW_ANONYMOUS", "true")
    for key in ("CERTIFICATE", "PRIVATE_KEY"):
        monkeypatch.setenv(f"FOUNDRY_SERVING_TLS_{key}", "some.pem")
    with pytest.raises(ConfigError, match="certfile"):
        wsgi.application()
