import os
from pathlib import Path

import pytest
import yaml

from contract.errors import ConfigError
from serving.security.keys import Keys, Scope, digest_of, find, new_key, read


def write(path: Path, *entries: dict[str, object], **more: object) -> Path:
    path.write_text(yaml.safe_dump({"Keys": list(entries), **more}))
    path.chmod(0o600)
    return path


def test_a_key_is_found_by_its_digest(tmp_path: Path) -> None:
    key = new_key()
    path = write(
        tmp_path / "keys.yaml",
        {"Name": "other", "SHA256": digest_of(new_key())},
        {"Name": "shop", "SHA256": digest_of(key), "Scopes": ["infer", "metrics"]},
        {"Name": "signer", "Secret": "0123456789abcdef"},
    )
    assert key not in path.read_text()
    entries = read(path).Keys
    found = find(entries, key)
    assert found
    assert (found.Name, found.Scopes) == ("shop", [Scope.INFER, Scope.METRICS])
    assert find(entries, key + "x") is None
    assert find(entries, "0123456789abcdef") is None  # a secret only signs


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "keys.yaml", {"Name": "a", "SHA256": "short"}, {"Name": "b", "Scopes": ["everything"]})
    with pytest.raises(ConfigError) as caught:
        read(path)
    text = str(caught.value)
    assert "SHA256" in text
    assert "Scopes" in text


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([{"Name": "a"}], "needs SHA256 or Secret"),
        ([{"Name": "a", "Secret": "x" * 16}] * 2, "used twice: a"),
    ],
)
def test_keys_that_cannot_be(tmp_path: Path, entries: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read(write(tmp_path / "keys.yaml", *entries))


def test_a_changed_file_counts_at_once_and_a_broken_one_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "keys.yaml", {"Name": "a", "Secret": "x" * 16})
    keys = Keys(path)
    assert [key.Name for key in keys.refresh().Keys] == ["a"]
    write(path, {"Name": "a", "Secret": "x" * 16}, {"Name": "b", "Secret": "y" * 16})
    assert [key.Name for key in keys.refresh().Keys] == ["a", "b"]
    path.write_text("Keys: [")
    assert [key.Name for key in keys.refresh().Keys] == ["a", "b"]
    assert "the keys stay as they were" in caplog.text
    path.unlink()
    assert len(keys.refresh().Keys) == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_secrets_that_others_may_read_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "keys.yaml", {"Name": "a", "Secret": "x" * 16})
    Keys(path)
    assert caplog.text == ""
    path.chmod(0o644)
    Keys(path)
    assert "chmod 600" in caplog.text


def test_new_keys_differ_and_are_recognised() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("cfk_") and len(key) > 40 for key in keys)
