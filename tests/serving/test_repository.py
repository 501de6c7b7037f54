import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contract.spec import dump
from serving.repository import Scan, scan
from serving.states import State
from tests.serving.rig import Shop


def look(shop: Shop, times: int = 2, before: Scan | None = None) -> Scan:
    seen = before or Scan()
    for _ in range(times):
        seen = scan(shop.graph, shop.model, seen)
    return seen


def stages(seen: Scan) -> dict[str, State]:
    return {candidate.path.stem: candidate.stage for candidate in seen.candidates}


def test_a_pair_is_complete_once_its_yaml_was_seen_twice(shop: Shop) -> None:
    spec = shop.publish()
    first = look(shop, 1)
    assert stages(first) == {"digits": State.SETTLING}
    assert first.restless
    (candidate,) = look(shop, 1, first).candidates
    assert (candidate.stage, candidate.spec, candidate.version) == (State.DISCOVERED, spec, "1.0")
    assert not look(shop, 2, first).restless


def test_a_yaml_that_keeps_changing_never_settles(shop: Shop) -> None:
    shop.publish()
    seen = Scan()
    for count in range(5):
        with (shop.model / "digits.yaml").open("a") as file:
            file.write(f"# {count}\n")
        seen = look(shop, 1, seen)
        assert stages(seen) == {"digits": State.SETTLING}


def test_a_graph_that_does_not_agree_is_wrong_only_once_it_stands_still(shop: Shop) -> None:
    spec, graph = shop.build()
    (shop.model / "digits.yaml").write_bytes(dump(spec))
    path = shop.graph / spec.Graph.File
    seen = look(shop)
    assert stages(seen) == {"digits": State.WAITING_FOR_GRAPH}
    for cut in range(len(graph)):  # T2: a slow writer, at every byte
        path.write_bytes(graph[:cut])
        seen = look(shop, 1, seen)
        assert stages(seen) == {"digits": State.SETTLING}
    seen = look(shop, 1, seen)
    assert stages(seen) == {"digits": State.REJECTED}
    path.write_bytes(graph)
    assert stages(look(shop, 1, seen)) == {"digits": State.DISCOVERED}


def test_every_cut_of_a_yaml_is_refused_or_waited_for(shop: Shop) -> None:
    spec, graph = shop.build()
    text = dump(spec.model_copy(update={"Golden": []}))
    (shop.graph / "digits.pb").write_bytes(graph)
    seen = Scan()
    for cut in range(len(text)):
        (shop.model / "digits.yaml").write_bytes(text[:cut])
        seen = look(shop, 1, seen)
        assert stages(seen) == {"digits": State.SETTLING}


@pytest.mark.parametrize("name", [".digits.yaml", "digits.yaml.tmp", "digits.yaml.part", "digits.yaml~", "digits.txt"])
def test_unfinished_and_foreign_files_are_no_candidates(shop: Shop, name: str) -> None:
    shop.publish()
    (shop.model / "digits.yaml").rename(shop.model / name)
    assert look(shop).candidates == ()


def test_a_file_is_gone_after_two_scans_without_it(shop: Shop) -> None:
    shop.publish()
    seen = look(shop)
    shop.remove()
    seen = look(shop, 1, seen)
    assert stages(seen) == {"digits": State.SETTLING}
    assert seen.restless
    assert look(shop, 1, seen).candidates == ()


def test_a_file_that_comes_back_was_never_gone(shop: Shop) -> None:
    shop.publish()
    seen = look(shop)
    away = shop.model / "away"
    (shop.model / "digits.yaml").rename(away)
    seen = look(shop, 1, seen)
    away.rename(shop.model / "digits.yaml")
    assert stages(look(shop, 2, seen)) == {"digits": State.DISCOVERED}


@pytest.mark.parametrize("folder", ["graph", "model"])
def test_a_folder_that_cannot_be_read_keeps_all_and_says_so(shop: Shop, folder: str) -> None:
    shop.publish()
    seen = look(shop)
    path: Path = getattr(shop, folder)
    path.rename(path.with_name("away"))
    blind = look(shop, 5, seen)
    assert blind.candidates == seen.candidates
    assert f"{path} cannot be read" in blind.degraded[0]
    path.with_name("away").rename(path)
    assert look(shop, 1, blind).degraded == ()


def test_another_empty_file_system_is_not_an_empty_folder(shop: Shop) -> None:
    shop.publish()
    seen = look(shop)
    unmounted = Scan(seen.specs, seen.graphs, {shop.model: -1, shop.graph: -1}, seen.candidates)
    shop.remove()
    (shop.graph / "digits.pb").unlink()
    blind = look(shop, 3, unmounted)
    assert stages(blind) == {"digits": State.DISCOVERED}
    assert "was the folder unmounted?" in blind.degraded[0]


def test_a_file_that_fails_to_read_keeps_what_was_known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.publish()
    seen = look(shop)
    os.utime(shop.model / "digits.yaml")

    def fail(_path: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    blind = look(shop, 3, seen)
    assert stages(blind) == {"digits": State.DISCOVERED}
    assert "Input/output error" in blind.degraded[0]
    monkeypatch.undo()
    mended = look(shop, 2, blind)
    assert (stages(mended), mended.degraded) == ({"digits": State.DISCOVERED}, ())


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs, and links need a privilege")
def test_what_is_no_file_is_not_opened(shop: Shop) -> None:
    shop.publish("good")
    spec, _ = shop.build("bad")
    (shop.model / "bad.yaml").write_bytes(dump(spec))
    os.mkfifo(shop.graph / "bad.pb")
    os.mkfifo(shop.model / "pipe.yaml")
    (shop.model / "folder.yaml").mkdir()
    (shop.model / "loop.yaml").symlink_to(shop.model / "loop.yaml")
    seen = look(shop)
    assert stages(seen).pop("good") is State.DISCOVERED
    assert State.DISCOVERED not in {stage for name, stage in stages(seen).items() if name != "good"}


def test_what_has_not_changed_is_not_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        shop.publish(f"model{number}")
    seen = look(shop)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
    monkeypatch.setattr(Path, "open", lambda path, *_: pytest.fail(f"{path} was opened again"))
    assert len(look(shop, 3, seen).candidates) == 20


def test_a_new_yaml_that_cannot_be_read_is_tried_until_it_can(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.publish()

    def fail(_path: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    blind = look(shop, 3)
    assert stages(blind) == {"digits": State.FAILED}
    assert "Input/output error" in blind.candidates[0].reason
    monkeypatch.undo()  # nothing about the file has changed
    assert stages(look(shop, 2, blind)) == {"digits": State.DISCOVERED}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_any_name_of_a_file_can_be_printed(shop: Shop) -> None:
    for name in [b"bad-\xff.yaml", b"2026 INFO all is well\n.yaml"]:
        (shop.model / os.fsdecode(name)).write_text("Schema: 2")
    seen = look(shop)
    assert [candidate.name for candidate in seen.candidates] == ["2026 INFO all is well?", "bad-?"]
    assert [candidate.file for candidate in seen.candidates] == ["2026 INFO all is well?.yaml", "bad-?.yaml"]
    for candidate in seen.candidates:
        assert candidate.reason.encode("utf-8")


def test_one_broken_yaml_says_what_is_wrong_and_harms_nobody(shop: Shop) -> None:
    shop.publish("good")
    (shop.model / "bad.yaml").write_text("Schema: 1\nModell: {}\n")
    seen = look(shop)
    assert stages(seen) == {"good": State.DISCOVERED, "bad": State.REJECTED}
    assert "did you mean 'Model'?" in next(c.reason for c in seen.candidates if c.path.stem == "bad")


names = st.sampled_from(["a.yaml", "b.yml", "c.pb", ".d.yaml", "digits.yaml", "digits.pb", "é.yaml"])
contents = st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "ignore")))


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, contents, max_size=4), st.dictionaries(names, contents, max_size=4))
def test_no_file_crashes_the_scan(shop: Shop, models: dict[str, bytes], graphs: dict[str, bytes]) -> None:
    for folder, files in [(shop.model, models), (shop.graph, graphs)]:
        for name, content in files.items():
            (folder / name).write_bytes(content)
    assert look(shop).degraded == ()
