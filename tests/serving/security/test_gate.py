from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.errors import ForbiddenError, QuotaExceededError, UnauthenticatedError
from serving.face_settings import SecuritySection
from serving.security.gate import Caller, Clocks, Gate
from serving.security.keys import Scope, digest_of
from serving.security.quota import QuotaRule
from serving.security.signing import Signable, authorization
from tests.serving.rig import Clock
from tests.serving.security.test_keys import write

HOME = Caller("127.0.0.1")
SIGNABLE = Signable("POST", "/captcha/v1", "", b"x")


@pytest.fixture
def gate_for(tmp_path: Path) -> Callable[..., Gate]:
    path = write(
        tmp_path / "keys.yaml",
        {"Name": "shop", "SHA256": digest_of("open"), "Scopes": ["infer"]},
        {"Name": "boss", "SHA256": digest_of("sesame"), "Scopes": ["infer", "admin", "metrics"]},
        {"Name": "slow", "SHA256": digest_of("slow"), "Quota": {"PerSecond": 1.0, "Burst": 1}},
        {"Name": "signer", "Secret": "0123456789abcdef"},
    )

    def gate(*, keys: bool = True, **rules: Any) -> Gate:
        security = SecuritySection(Keys=path if keys else None, **rules)
        return Gate(security, Clocks(wall=Clock(), steady=Clock()))

    return gate


def test_without_keys_everybody_may_ask_and_nobody_may_administer(gate_for: Callable[..., Gate]) -> None:
    gate = gate_for(keys=False)
    gate.admit(HOME, Scope.INFER)
    gate.admit(HOME, Scope.METRICS)
    with pytest.raises(ForbiddenError, match=r"see Security\.Keys"):
        gate.admit(HOME, Scope.ADMIN)


@pytest.mark.parametrize(
    "words", [{"authorization": "Bearer open"}, {"authorization": "bearer  open"}, {"api_key": "open"}]
)
def test_a_key_opens(gate_for: Callable[..., Gate], words: dict[str, str]) -> None:
    assert gate_for().admit(Caller("1.2.3.4", **words), Scope.INFER) == "shop"


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"api_key": "wrong"},
        {"authorization": "Basic open"},
        {"authorization": "Bearer"},
        {"api_key": digest_of("open")},
    ],
)
def test_without_the_right_key_it_stays_closed(gate_for: Callable[..., Gate], words: dict[str, str]) -> None:
    with pytest.raises(UnauthenticatedError):
        gate_for().admit(Caller("127.0.0.1", **words), Scope.INFER)
    gate_for().admit(Caller("127.0.0.1", **words), None)


def test_a_key_is_good_for_its_scopes(gate_for: Callable[..., Gate]) -> None:
    gate = gate_for()
    for scope in Scope:
        gate.admit(Caller("::1", api_key="sesame"), scope)
    with pytest.raises(ForbiddenError, match="shop is not for admin, only for infer"):
        gate.admit(Caller("::1", api_key="open"), Scope.ADMIN)


def test_signed_requests_where_they_can_be(gate_for: Callable[..., Gate]) -> None:
    gate = gate_for()
    header = authorization("signer", "0123456789abcdef", SIGNABLE, 1000.0)
    with pytest.raises(UnauthenticatedError, match="not signed on this transport"):
        gate.admit(Caller("::1", authorization=header), Scope.INFER)
    gate.admit(Caller("::1", authorization=header), Scope.INFER, lambda: SIGNABLE)
    with pytest.raises(UnauthenticatedError, match="made before"):
        gate.admit(Caller("::1", authorization=header), Scope.INFER, lambda: SIGNABLE)


def test_quotas_of_keys_and_addresses(gate_for: Callable[..., Gate]) -> None:
    gate = gate_for(AddressQuota=QuotaRule(PerSecond=1.0, Burst=3), KeyQuota=QuotaRule(PerSecond=1.0, Burst=2))
    gate.admit(Caller("1.1.1.1", api_key="slow"), Scope.INFER)
    with pytest.raises(QuotaExceededError, match="of this key") as caught:
        gate.admit(Caller("1.1.1.2", api_key="slow"), Scope.INFER)  # the key's own rule counts
    assert caught.value.seconds == 1.0
    for address in ("1.1.1.3", "1.1.1.4"):
        gate.admit(Caller(address, api_key="open"), Scope.INFER)
    with pytest.raises(QuotaExceededError, match="of this key"):
        gate.admit(Caller("1.1.1.5", api_key="open"), Scope.INFER)
    for _ in range(3):
        gate.admit(Caller("1.1.1.6"), None)
    with pytest.raises(QuotaExceededError, match="of this address"):
        gate.admit(Caller("1.1.1.6"), None)


def test_guessing_keys_is_slow(gate_for: Callable[..., Gate]) -> None:
    gate = gate_for(AddressQuota=QuotaRule(PerSecond=1.0, Burst=3))
    for _ in range(3):
        with pytest.raises(UnauthenticatedError):
            gate.admit(Caller("6.6.6.6", api_key="guess"), Scope.INFER)
    with pytest.raises(QuotaExceededError):
        gate.admit(Caller("6.6.6.6", api_key="open"), Scope.INFER)


@pytest.mark.parametrize(
    ("rules", "address", "forwarded", "taken"),
    [
        ({"Allow": ["10.0.0.0/8"]}, "10.1.1.1", "", True),
        ({"Allow": ["10.0.0.0/8"]}, "11.1.1.1", "", False),
        ({"Allow": ["10.0.0.0/8"], "Deny": ["10.1.1.1"]}, "10.1.1.1", "", False),
        ({"Deny": ["6.6.6.6"]}, "6.6.6.6", "", False),
        ({"Deny": ["6.6.6.6"]}, "::ffff:6.6.6.6", "", False),
        ({"Deny": ["6.6.6.6"]}, "1.1.1.1", "6.6.6.6", True),
        ({"Deny": ["6.6.6.6"], "TrustedProxies": ["1.1.1.1"]}, "1.1.1.1", "6.6.6.6:999", False),
        ({"Deny": ["6.6.6.6"], "TrustedProxies": ["1.1.1.1"]}, "1.1.1.1", "unknown", False),
        ({"Deny": ["6.6.6.6"], "TrustedProxies": ["1.1.1.1"]}, "1.1.1.1", "6.6.6.6", False),
        ({"Allow": ["10.0.0.0/8"]}, "", "", False),
    ],
)
def test_addresses(
    gate_for: Callable[..., Gate], rules: dict[str, list[str]], address: str, forwarded: str, taken: bool
) -> None:
    gate = gate_for(keys=False, **rules)
    if taken:
        gate.admit(Caller(address, forwarded), None)
    else:
        with pytest.raises(ForbiddenError, match="not taken here"):
            gate.admit(Caller(address, forwarded), None)
