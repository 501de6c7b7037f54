import hashlib
from typing import Any

import pytest

from serving.errors import LegacySignatureError
from serving.security.keys import LegacyKey
from serving.security.legacy_signature import sign, verify

KEY = LegacyKey(AccessKey="C180130204197838", SecretKey="62d7eb0d370e603acd651066236c878b")
NOW = 1_700_000_000.0


def signed(**parameters: Any) -> dict[str, Any]:
    """As the demo of captcha_platform does it."""
    whole = {"image": "AAAA", "model_site": None, "accessKey": KEY.AccessKey, "timestamp": str(int(NOW)), **parameters}
    text = "&".join(f"{key}={whole[key]}" for key in sorted(whole)) + "&" + KEY.SecretKey
    return {**whole, "sign": hashlib.md5(text.encode()).hexdigest().upper()}


@pytest.mark.parametrize("more", [{}, {"model_type": None}, {"image": ["AA", "BB"]}, {"need_confidence": True}])
def test_a_request_of_the_seeds_demo(more: dict[str, Any]) -> None:
    parameters = signed(**more)
    verify(parameters, KEY, NOW)
    verify(parameters, KEY, NOW + 120)
    assert sign(parameters, KEY.SecretKey) == parameters["sign"]


@pytest.mark.parametrize(
    ("changes", "now", "code"),
    [
        ({"sign": None}, NOW, 400001),
        ({"timestamp": ""}, NOW, 400001),
        ({"accessKey": None}, NOW, 400001),
        ({"timestamp": "17000000000"}, NOW, 400004),
        ({"timestamp": "17000x0000"}, NOW, 400004),
        ({"timestamp": "170000000²"}, NOW, 400004),
        ({}, NOW + 121, 400004),
        ({}, NOW - 121, 400004),
        ({"accessKey": "x"}, NOW, 400005),
        ({"accessKey": "é"}, NOW, 400005),
        ({"image": "BBBB"}, NOW, 400006),
        ({"more": 1}, NOW, 400006),
        ({"sign": "\ud800"}, NOW, 400006),
    ],
)
def test_what_is_wrong_has_the_seeds_code(changes: dict[str, Any], now: float, code: int) -> None:
    with pytest.raises(LegacySignatureError) as caught:
        verify({**signed(), **changes}, KEY, now)
    assert caught.value.code == code
