"""What is secret is compared by hmac.compare_digest, as a whole: how much of a guess is right takes no other time."""

import hmac
import time
from typing import Any

import pytest

from serving.errors import LegacySignatureError, UnauthenticatedError
from serving.security import legacy_signature
from serving.security.keys import KeyEntry, LegacyKey, digest_of, find
from serving.security.signing import Signable, Verifier, authorization

SECRET = "correct horse battery staple"
REQUEST = Signable("POST", "/captcha/v1", "", b"{}")
ENTRIES = [KeyEntry(Name="shop", Secret=SECRET), KeyEntry(Name="bearer", SHA256=digest_of("sesame"))]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Pairs that were compared; all are said to be the same, so that a second comparison would be seen to refuse."""
    pairs: list[tuple[Any, Any]] = []

    def same(one: Any, other: Any) -> bool:
        pairs.append((one, other))
        return True

    monkeypatch.setattr(hmac, "compare_digest", same)
    return pairs


def test_signatures(compared: list[tuple[Any, Any]]) -> None:
    header = authorization("shop", SECRET, REQUEST, time.time())
    right, wrong = header[-64:], "0" * 64
    assert Verifier(time.time).verify(header[:-64] + wrong, REQUEST, ENTRIES).Name == "shop"
    assert compared == [(right, wrong)]


def test_signatures_of_nobody_are_compared_too(compared: list[tuple[Any, Any]]) -> None:
    header = authorization("shoq", SECRET, REQUEST, time.time())
    with pytest.raises(UnauthenticatedError):
        Verifier(time.time).verify(header, REQUEST, ENTRIES)
    ((_, sent),) = compared
    assert sent == header[-64:]


def test_keys(compared: list[tuple[Any, Any]]) -> None:
    entries = [*ENTRIES, KeyEntry(Name="last", SHA256=digest_of("open"))]
    assert find(entries, "guess") == entries[-1]
    assert compared == [(digest_of(key), digest_of("guess")) for key in ("sesame", "open")]


def test_the_old_signature(compared: list[tuple[Any, Any]]) -> None:
    key = LegacyKey(AccessKey="access", SecretKey="secret")
    parameters = {"accessKey": "guess", "timestamp": "1700000000", "sign": "wrong"}
    legacy_signature.verify(parameters, key, 1_700_000_000.0)
    right = legacy_signature.sign(parameters, "secret")
    assert compared == [(b"guess", b"access"), (b"wrong", right.encode())]


def test_without_that_they_are_refused() -> None:
    header = authorization("shop", SECRET, REQUEST, time.time())
    with pytest.raises(UnauthenticatedError):
        Verifier(time.time).verify(header[:-64] + "0" * 64, REQUEST, ENTRIES)
    assert find(ENTRIES, "guess") is None
    parameters = {"accessKey": "guess", "timestamp": "1700000000", "sign": "wrong"}
    with pytest.raises(LegacySignatureError):
        legacy_signature.verify(parameters, LegacyKey(AccessKey="access", SecretKey="secret"), 1_700_000_000.0)
