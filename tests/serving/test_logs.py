import json
import logging
from collections.abc import Iterator

import pytest

from serving import logs
from tests.serving.rig import Service, Shop


@pytest.fixture
def quiet(service: Service) -> Iterator[Service]:
    """A service that ends after the log has been let go of: its stream is closed by then."""
    yield service
    logging.getLogger().handlers.clear()


def test_a_line_of_json_has_the_request_the_version_and_the_time(
    quiet: Service, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.publish()
    quiet.step()
    logs.configure("json", "debug")
    name = logs.begin_request()
    quiet.ask()
    (line,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert line["request"] == name
    assert (line["versions"], line["pictures"], line["wrong"]) == (["digits 1.0"], 1, 0)
    assert line["seconds"] > 0
    assert line["level"] == "debug"


def test_a_model_that_fails_names_the_request(quiet: Service, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.publish(chokes_on=1)
    quiet.step()
    logs.configure("text", "info")
    name = logs.begin_request()
    with pytest.raises(Exception, match="failed on this picture"):
        quiet.ask()
    assert f"RuntimeError: choked [request {name}]" in capsys.readouterr().err


def test_a_reason_of_several_lines_is_one_line_of_text(
    quiet: Service, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("text", "info")
    (shop.model / "digits.yaml").write_text("Schema: 2\nModell: 1\n")
    quiet.step()
    settling, rejected = capsys.readouterr().err.splitlines()
    assert "digits: settling" in settling
    assert "digits: rejected" in rejected
    assert "- Modell: " in rejected


def test_a_state_that_changes_is_a_line_with_fields(
    quiet: Service, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "info")
    shop.publish()
    quiet.step()
    lines = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert {"model": "digits", "version": "1.0", "state": "active"}.items() <= lines[-1].items()
