import logging
import sys
from collections.abc import Iterator

import pytest

from serving import open_files

resource = pytest.importorskip("resource", reason="Windows has no such limit")


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_and_never_lowered(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (800, limits[1]))
    open_files.allow(900)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (900, limits[1])
    open_files.allow(500)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (900, limits[1])


def test_what_the_system_does_not_allow_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, wanted: asked.append(wanted))
    with caplog.at_level(logging.WARNING):
        open_files.allow(300)
    assert asked == [(200, 200)]
    assert "need 300" in caplog.text


def test_there_is_nothing_to_do_on_windows(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(resource, "setrlimit")
    open_files.allow(10**9)
    assert not caplog.text
