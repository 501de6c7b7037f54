"""YAMLs of captcha_trainer lie beside their graphs without a word about them."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract import legacy_charset
from tests.serving.rig import Service, Shop

EARLY = """
Model:
  Sites: ['login.example']
  ModelName: old
  ModelType: 8x4
  CharSet: NUMERIC
  CharExclude: []
  CharReplace: {}
  Version: 1.10
  ImageWidth: 8
  ImageHeight: 4
Pretreatment: {Binaryzation: -1, Smoothing: -1, Blur: -1}
"""


def test_an_early_pair_is_found_by_its_name_and_served(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY)
    service.step()
    assert service.states() == {"old": "waiting-for-graph"}
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    service.step(1)
    assert service.states() == {"old": "settling"}
    service.step()
    assert service.states() == {"old 1.10": "active"}
    assert service.ask(site="login.example").text == "first-1"


def test_another_graph_of_the_same_name_is_another_generation(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY)
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    service.step()
    (shop.graph / "old.pb").write_text('{"word": "second"}')
    service.step(1)
    assert service.ask().text == "first-1"
    service.step()
    assert service.ask().text == "second-1"


def test_a_graph_that_grows_is_waited_for(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY)
    graph = '{"word": "first"}'
    for length in range(len(graph)):
        (shop.graph / "old.pb").write_text(graph[:length])
        service.step(1)
        assert service.states() == {"old": "settling"}
    (shop.graph / "old.pb").write_text(graph)
    service.step()
    assert service.ask().text == "first-1"


def test_what_means_nothing_here_is_said(service: Service, shop: Shop) -> None:
    (shop.model / "old_model.yaml").write_text(EARLY.replace("  ImageWidth", "  Colour: red\n  ImageWidth"))
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    service.lifecycle.wish(lambda wishes: type(wishes)(off=frozenset({"old"})))
    service.step()
    (candidate,) = service.lifecycle._scan.candidates
    assert "Model.Colour: unknown key" in candidate.reason


LISTED = EARLY.replace("CharSet: NUMERIC", "CharSet: mine.txt")


def listed(shop: Shop) -> Path:
    """Publish a pair whose symbols stand in a file of their own, which is not there yet; return its path."""
    (shop.model / "old_model.yaml").write_text(LISTED)
    (shop.graph / "old.pb").write_text('{"word": "first"}')
    return shop.model / "mine.txt"


def test_symbols_may_come_after_the_yaml_that_names_their_file(service: Service, shop: Shop) -> None:
    symbols = listed(shop)
    service.step(2)
    assert service.states() == {"old_model": "rejected"}
    assert "mine.txt cannot be read" in service.lifecycle.statuses[0].reason
    symbols.write_text("0\n1\n")
    service.step()
    assert service.states() == {"old 1.10": "active"}


def test_other_symbols_are_another_generation(service: Service, shop: Shop) -> None:
    symbols = listed(shop)
    symbols.write_text("0\n1\n")
    service.step()
    first = service.lifecycle._pool.active("old")
    symbols.write_text("a\nb\n")
    service.step()
    second = service.lifecycle._pool.active("old")
    assert first
    assert second
    assert (first.spec.Model.charset.symbols, second.spec.Model.charset.symbols) == (("0", "1"), ("a", "b"))
    assert first.key != second.key


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (getattr(os, "mkfifo", Path.mkdir), "it is not a regular file"),
        (lambda path: path.write_bytes(b"x\n" * legacy_charset.MAX_FILE_BYTES), "bytes are too many"),
    ],
)
def test_what_is_no_small_file_of_symbols_is_not_opened(
    make: Callable[[Path], object], reason: str, service: Service, shop: Shop
) -> None:
    symbols = listed(shop)
    make(symbols)
    service.step(2)
    assert service.states() == {"old_model": "rejected"}
    assert reason in service.lifecycle.statuses[0].reason


def test_symbols_that_cannot_be_read_now_are_looked_at_again(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    symbols = listed(shop)
    symbols.write_text("0\n1\n")
    opened = Path.open

    def failing(path: Path, *more: Any, **named: Any) -> object:
        if path == symbols:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *more, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", failing)
        service.step(2)
        assert service.states() == {"old_model": "failed"}
        assert f"{symbols} cannot be read" in service.lifecycle.statuses[0].reason
    service.step()
    assert service.states() == {"old 1.10": "active"}


def test_a_model_serves_on_when_the_file_of_its_symbols_has_gone(service: Service, shop: Shop) -> None:
    symbols = listed(shop)
    symbols.write_text("0\n1\n")
    service.step()
    symbols.unlink()
    service.step(3)
    assert service.ask().text == "first-1"
