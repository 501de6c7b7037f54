import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.cli.root import main
from serving.security.keys import find, read


@pytest.fixture(autouse=True)
def umask_as_it_was() -> Iterator[None]:
    before = os.umask(0)
    os.umask(before)
    yield
    os.umask(before)


def test_a_key_is_printed_once_and_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.yaml"
    assert main(["key", "shop", "--file", str(path)]) == 0
    assert main(["key", "boss", "--file", str(path), "--scope", "admin", "--scope", "metrics"]) == 0
    assert main(["key", "signer", "--file", str(path), "--signing"]) == 0
    shop, boss, signer = capsys.readouterr().out.split()
    entries = read(path).Keys
    assert [(found := find(entries, key)) and found.Name for key in (shop, boss)] == ["shop", "boss"]
    assert entries[1].Scopes == ["admin", "metrics"]
    assert entries[2].Secret == signer
    assert shop not in path.read_text()
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_a_name_is_taken_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.yaml"
    main(["key", "shop", "--file", str(path)])
    before = path.read_bytes()
    assert main(["key", "shop", "--file", str(path)]) == 2
    assert "there is a key shop already" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_name_that_cannot_be_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.yaml"
    assert main(["key", "two words", "--file", str(path)]) == 2
    assert re.search("Name", capsys.readouterr().err)
    assert not path.exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_without_keys_only_this_machine_is_served(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--graph", str(tmp_path), "--model", str(tmp_path)]
    assert main([*folders, "--host", host]) == 2
    error = capsys.readouterr().err
    assert f"Listen.Host is {host}, where others can ask, and there are no keys" in error
    assert "--allow-anonymous" in error


def test_a_key_file_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--graph", str(tmp_path), "--model", str(tmp_path)]
    assert main([*folders, "--keys", str(tmp_path / "none.yaml"), "--port", "0", "--grpc-port", "0"]) == 2
    assert "none.yaml" in capsys.readouterr().err
