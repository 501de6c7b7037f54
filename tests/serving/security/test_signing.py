import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import UnauthenticatedError
from serving.security import signing
from serving.security.keys import KeyEntry
from serving.security.signing import Signable, Verifier, authorization, canonical, signature, signed_as
from tests.serving.rig import Clock

GUIDE = (Path(signing.__file__).parent / "SIGNING.md").read_text(encoding="utf-8")
SECRET = "correct horse battery staple"
ENTRIES = [KeyEntry(Name="shop", Secret=SECRET), KeyEntry(Name="bearer", SHA256="0" * 64)]
ROWS = [
    tuple(cell.strip() for cell in row.strip("|").split("|"))
    for row in re.findall(r"^\| (?:POST|GET) \|.*$", GUIDE, re.MULTILINE)
]
CALLS = re.findall(r"^\| (/Predict/\w+) \| (\d+) \| (\S+) \| (\w*) +\| (\w+) \|$", GUIDE, re.MULTILINE)
REQUEST = Signable("POST", "/captcha/v1", "b=2&a=1", b"{}")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found[1]


def test_there_are_vectors() -> None:
    assert len(ROWS) == 3
    assert len(CALLS) == 2


@pytest.mark.parametrize("row", ROWS)
def test_our_signatures_are_those_of_the_guide(row: tuple[str, ...]) -> None:
    method, path, query, ts, nonce, body, expected = row
    assert signature(SECRET, Signable(method, path, query, body.encode()), int(ts), nonce) == expected


@pytest.mark.parametrize("row", ROWS)
def test_python_of_the_guide(row: tuple[str, ...]) -> None:
    method, path, query, ts, nonce, body, expected = row
    names: dict[str, Any] = {}
    exec(block("python"), names)
    assert names["sign"](SECRET, method, path, query, ts, nonce, body.encode()) == expected


@pytest.mark.parametrize("call", CALLS)
def test_calls_of_grpc_are_signed_alike(call: tuple[str, ...]) -> None:
    path, ts, nonce, request, expected = call
    names: dict[str, Any] = {}
    exec(block("python"), names)
    content = bytes.fromhex(request)
    assert names["sign"](SECRET, "POST", path, "", ts, nonce, content) == expected
    method = path.rpartition("/")[2]
    assert signature(SECRET, signed_as(method, content), int(ts), nonce) == expected


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
@pytest.mark.parametrize("row", ROWS)
def test_javascript_of_the_guide(row: tuple[str, ...]) -> None:
    *given_values, expected = row
    code = block("javascript") + "console.log(sign(...process.argv.slice(1)))"
    done = subprocess.run(
        ["node", "-e", code, SECRET, *given_values], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout.strip() == expected


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("bash")), reason="needs bash and openssl")
@pytest.mark.parametrize("row", ROWS)
def test_openssl_of_the_guide(row: tuple[str, ...]) -> None:
    method, path, query, ts, nonce, body, expected = row
    command = ["bash", "-c", block("bash") + '\nsign "$@"', "-", SECRET, method, path, query, ts, nonce]
    done = subprocess.run(command, capture_output=True, input=body.encode(), check=True)
    assert done.stdout.decode().strip() == expected


@given(st.lists(st.tuples(st.text(), st.text())))
def test_the_order_and_spelling_of_the_query_do_not_count(pairs: list[tuple[str, str]]) -> None:
    from urllib.parse import urlencode  # noqa: PLC0415

    try:
        plus, percent = urlencode(pairs), urlencode(pairs[::-1]).replace("+", "%20")
    except UnicodeEncodeError:
        return  # half a surrogate pair is in no URL
    texts = {canonical(Signable("GET", "/", query, b""), 1, "n" * 8) for query in (plus, percent)}
    assert len(texts) == 1


class Desk:
    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.now = 1_700_000_000.0
        self.verifier = Verifier(self.clock)

    def header(self, request: Signable = REQUEST, ahead: float = 0, key: str = "shop", secret: str = SECRET) -> str:
        return authorization(key, secret, request, self.clock.now + ahead)

    def check(self, header: str, request: Signable = REQUEST) -> str:
        return self.verifier.verify(header, request, ENTRIES).Name


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_good_signature_is_taken_once(desk: Desk) -> None:
    header = desk.header()
    assert desk.check(header) == "shop"
    with pytest.raises(UnauthenticatedError, match="made before"):
        desk.check(header)
    assert desk.check(desk.header()) == "shop"


@pytest.mark.parametrize(
    "other",
    [
        Signable("PUT", "/captcha/v1", "b=2&a=1", b"{}"),
        Signable("POST", "/captcha/v3", "b=2&a=1", b"{}"),
        Signable("POST", "/captcha/v1", "b=2&a=2", b"{}"),
        Signable("POST", "/captcha/v1", "", b"{}"),
        Signable("POST", "/captcha/v1", "b=2&a=1", b"{ }"),
    ],
)
def test_another_request_needs_another_signature(desk: Desk, other: Signable) -> None:
    with pytest.raises(UnauthenticatedError, match="key id or the signature is wrong"):
        desk.check(desk.header(), other)


@pytest.mark.parametrize(("key", "secret"), [("nobody", SECRET), ("shop", "wrong"), ("bearer", SECRET), ("shop", "")])
def test_wrong_keys_are_told_alike(desk: Desk, key: str, secret: str) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^the key id or the signature is wrong$"):
        desk.check(desk.header(key=key, secret=secret))


def test_a_wrong_signature_uses_up_no_nonce(desk: Desk) -> None:
    header = desk.header()
    forged = header[:-1] + ("0" if header[-1] != "0" else "1")
    with pytest.raises(UnauthenticatedError):
        desk.check(forged)
    assert desk.check(header) == "shop"


def test_time_is_looked_at(desk: Desk) -> None:
    assert desk.check(desk.header(ahead=29)) == "shop"
    with pytest.raises(UnauthenticatedError, match="set the clock"):
        desk.check(desk.header(ahead=31))
    with pytest.raises(UnauthenticatedError, match="before the start"):
        desk.check(desk.header(ahead=-2))
    old = desk.header()
    desk.clock.now += 301
    with pytest.raises(UnauthenticatedError, match="set the clock"):
        desk.check(old)


def test_a_restart_is_no_chance_to_replay_what_was_signed_more_than_a_little_ahead(desk: Desk) -> None:
    header = desk.header()
    desk.check(header)
    desk.clock.now += 1
    restarted = Verifier(desk.clock)
    with pytest.raises(UnauthenticatedError, match="before the start"):
        restarted.verify(header, REQUEST, ENTRIES)
    desk.clock.now += 299
    with pytest.raises(UnauthenticatedError, match="set the clock"):
        restarted.verify(desk.header(ahead=signing.AHEAD_SECONDS + 1), REQUEST, ENTRIES)


def test_a_clock_that_was_ahead_at_the_start_and_is_set_right_refuses_nobody(desk: Desk) -> None:
    desk.clock.now += 3600
    started = Verifier(desk.clock)
    desk.clock.now -= 3600
    header = desk.header()
    assert started.verify(header, REQUEST, ENTRIES).Name == ENTRIES[0].Name
    with pytest.raises(UnauthenticatedError, match="made before"):
        started.verify(header, REQUEST, ENTRIES)


def test_a_nonce_is_remembered_as_long_as_its_time_is_good(desk: Desk) -> None:
    header = desk.header(ahead=30)
    desk.check(header)
    desk.clock.now += 329  # ts is 299 s ago
    with pytest.raises(UnauthenticatedError, match="made before"):
        desk.check(header)


def test_a_full_memory_refuses_and_empties_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "NONCES_PER_KEY", 2)
    for _ in range(2):
        desk.check(desk.header())
    with pytest.raises(UnauthenticatedError, match="too many"):
        desk.check(desk.header())
    desk.clock.now += 601
    assert desk.check(desk.header()) == "shop"


@given(st.text())
def test_any_header_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        Desk().check(signing.SCHEME + text)
