"""What `ask` and `load` make of keys, refusals and time."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from serving.answer import Hints
from serving.cli import ask, load
from serving.cli.root import main
from serving.client import RefusedError, Result
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.load.report import csv_text
from serving.load.samples import Sample
from serving.load.senders import HttpSender
from serving.security.gate import Gate
from serving.security.keys import digest_of
from tests.serving.security.test_keys import write

GOOD = Result("12", 0.5, "digits", "1.0")


@pytest.fixture
def pictures(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.png").write_bytes(picture())
    return folder


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_key_file_may_begin_with_a_mark(
    encoding: str, serve_http: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    keys = write(tmp_path / "keys.yaml", {"Name": "shop", "SHA256": digest_of("open")})
    server = serve_http(facilities=Facilities(gate=Gate(SecuritySection(Keys=keys))))
    (tmp_path / "key.txt").write_text("open\r\n", encoding)
    where = ["--url", f"http://127.0.0.1:{server.ports[0]}", "--key-file", str(tmp_path / "key.txt")]
    assert main(["ask", str(pictures), *where]) == 0


def test_a_key_that_cannot_be_sent_is_a_sentence(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.txt").write_text("ключ", "utf-8")
    monkeypatch.setenv("FOUNDRY_KEY", "ключ")
    for where, more in (("key.txt", ["--key-file", str(tmp_path / "key.txt")]), ("FOUNDRY_KEY", [])):
        assert main(["ask", str(pictures), *more]) == 2
        said = capsys.readouterr().err
        assert where in said
        assert "characters" in said
        assert "ключ" not in said


class Refusing(nullcontext[None]):
    """A client that is refused when it sends several pictures at once."""

    def __init__(self, error: RefusedError) -> None:
        super().__init__()
        self.error = error
        self.alone = 0

    def read_all(self, _contents: list[bytes], _hints: Hints) -> list[Result]:
        raise self.error

    def read(self, _content: bytes, _hints: Hints) -> Result:
        self.alone += 1
        return GOOD


@pytest.mark.parametrize(
    ("status", "code", "alone"),
    [
        (400, 500001, 3),
        (404, 999, 3),
        (413, 0, 3),
        ("INVALID_ARGUMENT", 400, 3),
        ("RESOURCE_EXHAUSTED", 413, 3),
        ("OK", 500004, 3),
        (401, 401, 0),
        (429, 429, 0),
        (503, 503, 0),
        (200, 0, 0),
        ("RESOURCE_EXHAUSTED", 429, 0),
        ("OK", -999, 0),
    ],
)
def test_pictures_are_asked_for_alone_only_where_one_may_be_to_blame(
    status: int | str,
    code: int,
    alone: int,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Refusing(RefusedError("it is so", status, code))
    monkeypatch.setattr(ask, "_client", lambda _: client)
    assert main(["ask", str(pictures)]) == (0 if alone else 1)
    assert client.alone == alone
    out = capsys.readouterr().out
    assert out.count("12\t") == alone
    assert out.count(f"{pictures / 'a.png'} to {pictures / 'c.png'} (3 pictures): it is so\n") == (not alone)


def test_times_of_a_load_count_from_when_all_is_made(
    serve_http: Callable[..., Any], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[datetime] = []
    begun: list[datetime] = []

    def slowly(*given: Any) -> HttpSender:
        time.sleep(0.2)
        made.append(datetime.now().astimezone())
        return HttpSender(*given)

    def noted(samples: Sequence[Sample], started: datetime) -> str:
        begun.append(started)
        return csv_text(samples, started)

    monkeypatch.setattr(load, "HttpSender", slowly)
    monkeypatch.setattr(load, "csv_text", noted)
    words = ["load", str(pictures), "--url", f"http://127.0.0.1:{serve_http().ports[0]}", "-o", str(tmp_path)]
    assert main([*words, "--rate", "50", "--seconds", "0.2", "--clients", "2"]) == 0
    assert made[-1] <= begun[0]
