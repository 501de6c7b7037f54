import csv
import http.client
import io
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from serving.answer import Hints
from serving.cli import ask
from serving.cli.asking import grpc_address
from serving.cli.captcha_source import Source, from_files, from_painter
from serving.cli.root import main
from serving.client import Result, UnreachableError
from serving.errors import OverloadedError, UnknownModelError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.security.gate import Gate
from serving.security.keys import digest_of
from tests.serving.security.test_keys import write

Draw = Callable[..., bytes]


@pytest.fixture
def pictures(tmp_path: Path, picture: Draw) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, size in (("8x4_a.png", (8, 4)), ("9x4_b.png", (9, 4)), ("wrong_c.png", (7, 4))):
        (folder / name).write_bytes(picture(*size))
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def where(serve_http: Callable[..., Any], serve_rpc: Callable[..., Any]) -> dict[str, list[str]]:
    return {
        "http": ["--url", f"http://127.0.0.1:{serve_http().ports[0]}"],
        "grpc": ["--grpc", f"127.0.0.1:{serve_rpc().port}"],
    }


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:1", ("127.0.0.1:1", False)),
        ("grpc://[::1]:1", ("[::1]:1", False)),
        ("grpcs://host:1", ("host:1", True)),
    ],
)
def test_an_address_as_the_service_prints_it(text: str, address: tuple[str, bool]) -> None:
    assert grpc_address(text) == address


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_ask_prints_answers_and_accuracy(
    where: dict[str, list[str]], pictures: Path, transport: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", str(pictures), *where[transport], "--labels"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"8x4\t0.7500\tdigits 1.2\t{pictures / '8x4_a.png'}"
    assert lines[2].startswith("7x4 (should be wrong)\t")
    assert lines[3] == "2 of 3 are right: 66.67%"


@pytest.mark.parametrize(("more", "right"), [([], 2), (["--ignore-case"], 3)])
def test_capitals_may_be_all_one(
    more: list[str],
    right: int,
    where: dict[str, list[str]],
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (pictures / "wrong_c.png").rename(pictures / "7X4_c.png")
    assert main(["ask", str(pictures), *where["http"], "--labels", *more]) == 0
    out = capsys.readouterr().out
    assert f"{right} of 3 are right" in out
    assert ("should be" in out) == (right < 3)
    words = ["load", str(pictures), *where["http"], "--labels", *more, "-o", str(tmp_path / "load")]
    assert main([*words, "--rate", "60", "--seconds", "0.5"]) == 0
    found = json.loads((tmp_path / "load" / "summary.json").read_text())
    assert found["accuracy"] == pytest.approx(right / 3, abs=0.05)


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_ask_says_which_picture_is_bad(
    where: dict[str, list[str]], pictures: Path, transport: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "bad.png").write_bytes(b"nonsense")
    assert main(["ask", str(pictures), *where[transport]]) == 1
    out = capsys.readouterr().out
    assert f"{pictures / 'bad.png'}: Invalid Image Format" in out
    assert "8x4\t" in out
    assert main(["ask", str(pictures / "bad.png"), *where[transport]]) == 1


def test_ask_with_a_model_that_is_not_there(
    where: dict[str, list[str]], pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", str(pictures), *where["http"], "--model-name", "letters"]) == 1
    assert "there is no model 'letters'" in capsys.readouterr().out


def test_ask_sends_the_key_of_a_file(
    serve_http: Callable[..., Any], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = write(tmp_path / "keys.yaml", {"Name": "shop", "SHA256": digest_of("open")})
    server = serve_http(facilities=Facilities(gate=Gate(SecuritySection(Keys=keys))))
    words = ["ask", str(pictures), "--url", f"http://127.0.0.1:{server.ports[0]}"]
    assert main(words) == 1
    (tmp_path / "key.txt").write_text("open\n")
    assert main([*words, "--key-file", str(tmp_path / "key.txt")]) == 0
    monkeypatch.setenv("FOUNDRY_KEY", "open")
    assert main(words) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["ask", "nowhere.png"], "nowhere.png: there is no such file or folder"),
        (["ask", "."], "there is none in ."),
        (["ask", __file__, "--url", "127.0.0.1:80"], "is no URL of a service"),
        (["ask", __file__, "--url", "http://127.0.0.1:8o"], "is no URL of a service"),
        (["ask", __file__, "--url", "http://:80"], "is no URL of a service"),
        (["ask", __file__, "--url", "http://[::1:80"], "is no URL of a service"),
        (["load", __file__, "--url", "http://127.0.0.1:8o"], "is no URL of a service"),
        (["ask", __file__, "--authority", "nowhere.pem"], "nowhere.pem: no certificate can be read from it"),
        (["load", __file__, "--url", "https://127.0.0.1", "--authority", __file__], "no certificate can be read"),
        (["ask", __file__, "--label-regex", "("], "is no regular expression"),
        (["load", "nowhere.png"], "nowhere.png: there is no such file or folder"),
        (["captcha-source", "nowhere"], "nowhere: there is no such file or folder"),
    ],
)
def test_mistakes_are_sentences(
    words: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


def test_a_load_over_both_transports(where: dict[str, list[str]], pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "load"
    words = ["load", str(pictures), *where["http"], *where["grpc"], "--labels", "-o", str(out)]
    assert main([*words, "--rate", "100", "--seconds", "0.5", "--clients", "8"]) == 0
    found = json.loads((out / "summary.json").read_text())
    rows = list(csv.reader((out / "samples.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["index", "text", "time", "total_ms", "recognition_ms", "request_ms"]
    assert len(rows) - 1 == found["requests"] == found["answered"] > 20
    assert {row[1] for row in rows[1:]} == {"8x4", "9x4", "7x4"}
    assert all(float(row[5]) == pytest.approx(float(row[3]) - float(row[4]), abs=0.002) for row in rows[1:])
    assert found["accuracy"] == pytest.approx(2 / 3, abs=0.05)
    assert found["errors"] == {}
    assert ElementTree.fromstring((out / "latency.svg").read_text()).tag.endswith("svg")


def test_a_load_that_is_refused_is_not_tried_again(
    where: dict[str, list[str]], plane: Any, pictures: Path, tmp_path: Path
) -> None:
    plane.failure = OverloadedError("full")
    out = tmp_path / "load"
    words = ["load", str(pictures), *where["http"], *where["grpc"], "-o", str(out)]
    assert main([*words, "--rate", "60", "--seconds", "0.5", "--clients", "4"]) == 1
    found = json.loads((out / "summary.json").read_text())
    assert set(found["errors"]) == {"HTTP 503", "gRPC UNAVAILABLE"}
    assert sum(found["errors"].values()) == found["requests"] == len(plane.calls)


def test_a_load_takes_no_failure_for_an_answer_where_errors_come_with_status_ok(
    serve_rpc: Callable[..., Any], plane: Any, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plane.failure = UnknownModelError("there is none")
    where = ["--grpc", f"127.0.0.1:{serve_rpc(legacy_ok=True).port}"]
    words = ["load", str(pictures), *where, "-o", str(tmp_path), "--rate", "50", "--seconds", "0.3", "--clients", "2"]
    assert main(words) == 1
    found = json.loads((tmp_path / "summary.json").read_text())
    assert (found["answered"], sum(found["errors"].values())) == (0, found["requests"])
    capsys.readouterr()
    assert main(["ask", str(pictures), *where]) == 1
    assert capsys.readouterr().out.count("there is none") == 3


@pytest.mark.parametrize("count", ["0", "-1"])
def test_a_load_needs_a_client(count: str, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["load", str(pictures), "--clients", count])
    assert f"{count} is not above zero" in capsys.readouterr().err


@pytest.mark.parametrize("transport", ["--url=http://127.0.0.1:{}", "--grpc=127.0.0.1:{}"])
def test_ask_says_in_a_sentence_that_nobody_is_there(
    transport: str, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.client.attempts._FIRST_PAUSE_SECONDS", 0.01)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert main(["ask", str(pictures), transport.format(port)]) == 1
    said = capsys.readouterr().err
    assert "no answer from" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_key_for_signing_signs(
    transport: str, serve_http: Callable[..., Any], serve_rpc: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    gate = Gate(SecuritySection(Keys=write(tmp_path / "keys.yaml", {"Name": "shop", "Secret": "s" * 32})))
    if transport == "http":
        where = ["--url", f"http://127.0.0.1:{serve_http(facilities=Facilities(gate=gate)).ports[0]}"]
    else:
        where = ["--grpc", f"127.0.0.1:{serve_rpc(gate=gate).port}"]
    (tmp_path / "key.txt").write_text("s" * 32)
    words = [str(pictures), *where, "--key-file", str(tmp_path / "key.txt"), "--signer", "shop"]
    assert main(["ask", *words]) == 0
    short = ["--rate", "50", "--seconds", "0.2", "--clients", "2"]
    assert main(["load", *words, *short, "-o", str(tmp_path / "load")]) == 0


def test_a_signer_needs_a_secret(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", str(pictures), "--signer", "shop"]) == 2
    assert "nothing to sign with" in capsys.readouterr().err


@pytest.fixture
def source(pictures: Path) -> Iterator[Source]:
    files = sorted(pictures.glob("*.png"))
    with Source(0, from_files(files, r".*?(?=_)", seed=1)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_pictures_come_with_their_truth(source: Source, pictures: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", source.server_port, timeout=10)
    seen = {}
    for _ in range(30):
        connection.request("GET", "/captcha/")
        response = connection.getresponse()
        assert response.getheader("Content-Type") == "image/png"
        seen[response.getheader("X-Captcha-Truth")] = response.read()
    assert seen == {path.name.partition("_")[0]: path.read_bytes() for path in pictures.glob("*.png")}
    connection.request("GET", "/elsewhere")
    assert connection.getresponse().status == 404
    connection.close()


def test_drawn_pictures_hold_what_was_asked_for_and_repeat_with_their_seed() -> None:
    first, again = (from_painter("ab", 5, (120, 40), seed=3) for _ in range(2))
    drawn = [first() for _ in range(4)]
    assert drawn == [again() for _ in range(4)]
    assert len({content for content, _ in drawn}) == 4
    for content, text in drawn:
        assert re.fullmatch("[ab]{5}", text)
        assert Image.open(io.BytesIO(content)).size == (120, 40)


def test_without_the_package_the_source_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "captcha.image", None)
    assert main(["captcha-source", "--port", "0"]) == 2
    assert 'pip install "captcha-foundry[train]"' in capsys.readouterr().err


def test_a_file_that_is_far_too_large_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[list[int]] = []

    class Client(nullcontext[None]):
        def read_all(self, contents: list[bytes], _hints: Hints) -> list[Result]:
            sent.append([len(content) for content in contents])
            if sum(sent[-1]) > 50:
                raise UnreachableError("no answer: the connection broke") from ConnectionResetError()
            return [Result("12", 0.5, "digits", "1.0") for _ in contents]

    for name, size in (("a", 10), ("b", 80), ("c", 30), ("d", 20), ("e", 20)):
        (tmp_path / f"{name}.png").write_bytes(bytes(size))
    monkeypatch.setattr(ask, "_BATCH_BYTES", 50)
    monkeypatch.setattr(ask, "_client", lambda _: Client())
    assert main(["ask", str(tmp_path)]) == 1
    assert sent == [[10], [80], [30, 20], [20]]
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("12\t") for line in lines] == [True, False, True, True, True]
    assert "80 bytes are too many, or no answer: the connection broke" in lines[1]


def test_a_port_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["captcha-source", "--port", "70000"])
    assert "70000 is not between 0 and 65535" in capsys.readouterr().err


def test_the_source_says_that_a_port_is_taken(
    source: Source, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["captcha-source", str(pictures), "--port", str(source.server_port)]) == 1
    assert f"port {source.server_port} on 127.0.0.1 is in use" in capsys.readouterr().err
