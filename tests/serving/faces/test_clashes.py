from pathlib import Path
from typing import Any

import pytest

from contract.errors import ConfigError
from serving.face_settings import HttpSection, SecuritySection
from serving.http.app import create_app
from serving.http.clashes import PAGES
from serving.http.facilities import Facilities
from serving.http.options import DropIn, HttpOptions
from serving.http.pages import FILES
from serving.metrics import Metrics
from serving.security.gate import Gate
from serving.settings import load
from tests.serving.faces.test_http_admin import FakeAdmin
from tests.serving.security.test_keys import write


@pytest.mark.parametrize(
    ("http", "said"),
    [
        ("AnswerNames: {message: code}", "AnswerNames: 'message' and 'code' would both be called 'code'"),
        ("AnswerNames: {message: x, uid: x}", "'message' and 'uid' would both be called 'x'"),
        ("RequestNames: {image: model_name}", "RequestNames: 'image' and 'model_name' would both be"),
        ("RequestNames: {image: output_split}", "'output_split' for 'image' means something else"),
        ("RequestNames: {image: sign}", "'sign' for 'image' means something else"),
        ("Routes: {/captcha/v1: [/captcha/v3, /metrics]}", "'/captcha/v3' is a route already; Routes: '/metrics' is"),
        ("Routes: {/captcha/v1: [/ocr], /captcha/v3: [/ocr/]}", "'/ocr' is a route already"),
        ("Routes: {/captcha/v1: [/v2/models]}", "'/v2/models' is a route already"),
        ("Routes: {/captcha/v1: [/b]}, DropIn: [cnn_captcha]", "'/b' is a route already"),
        ("Routes: {/captcha/v1: [/]}", "'/' is a route already"),
    ],
)
def test_what_would_be_called_as_something_else_is_no_setting(tmp_path: Path, http: str, said: str) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(f"Http: {{{http}}}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "http",
    [
        "AnswerNames: {message: code, code: message}",
        "RequestNames: {image: model_name, model_name: image, split_char: output_split}",
        "Routes: {/captcha/v1: [/b, /ocr, /v2x]}",
        "Routes: {/captcha/v1: [/]}, Console: false",
    ],
)
def test_what_gets_in_nobodys_way_is_a_setting(tmp_path: Path, http: str) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(f"Http: {{{http}}}\n")
    assert load(path, {}).Http != HttpSection()


def test_no_route_that_there_is_can_be_a_further_path(plane: Any, tmp_path: Path) -> None:
    keys = write(tmp_path / "keys.yaml", Legacy={"AccessKey": "a", "SecretKey": "b"})
    gate = Gate(SecuritySection(Keys=keys, LegacySignature=True))
    facilities = Facilities(gate=gate, metrics=Metrics(), admin=FakeAdmin())
    app = create_app(plane, None, HttpOptions(drop_in=frozenset(DropIn)), facilities)
    assert set(FILES) == PAGES
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<", "").replace(">", "")
        with pytest.raises(ValueError, match="is a route already"):
            HttpSection(Routes={"/captcha/v1": [path]}, DropIn=list(DropIn))
