import re
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.config import TrainConfig
from trainer.dataset.scan import scan
from trainer.dataset.sources import ignored_sentence, label_of
from trainer.errors import SourceError

Configure = Callable[..., TrainConfig]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize(
    ("regex", "name", "label"),
    [
        (".*?(?=_)", "0042_1c0a.png", "0042"),
        (".*?(?=_)", "ab_cd_1.jpg", "ab"),
        (".*?(?=_)", "1e5_x.png", "1e5"),
        (".*?(?=_)", "null_x.png", "null"),
        (".*?(?=_)", "_x.png", ""),
        (".*?(?=_)", "abc.png", None),
        (r".*?(?=_.*\.)", "ab_1.jpg", "ab"),
        (r".*?(?=_.*\.)", "ab_1", None),
        (r".*?(?=\.)", "7a.b.png", "7a"),
        (r"(?<=-)\w+", "7-x9Y.png", "x9Y"),
        (".*?(?=_)", "sub_folder/12_x.png", "12"),
    ],
)
def test_labels_are_the_first_match_in_the_name_and_always_text(regex: str, name: str, label: str | None) -> None:
    assert label_of(name, re.compile(regex)) == label


def test_folders_are_read_with_their_sub_folders(tmp_path: Path, configure: Configure) -> None:
    touch(tmp_path, "1_a.png", "deep/er/2_b.JPG", "3_c.webp")
    found = scan(configure(tmp_path))
    assert [sample.label for sample in found.train] == ["1", "3", "2"]
    assert found.test == ()
    assert found.train[2].name == (tmp_path / "deep/er/2_b.JPG").as_posix()


def test_several_folders_and_a_test_path(tmp_path: Path, configure: Configure) -> None:
    one, two, test = (touch(tmp_path / name, f"{name}_x.png") for name in ("one", "two", "test"))
    config = configure("", System={"TrainsPath": [str(one), str(two)], "TestPath": str(test)})
    found = scan(config)
    assert [sample.label for sample in found.train] == ["one", "two"]
    assert [sample.label for sample in found.test] == ["test"]
    assert len(found.samples) == 3


def test_a_test_path_within_the_other_is_not_learned_from(tmp_path: Path, configure: Configure) -> None:
    touch(tmp_path, "1_a.png", "2_b.png", "test/3_c.png", "test/4_d.png")
    found = scan(configure(tmp_path, System={"TestPath": str(tmp_path / "test")}))
    assert [sample.label for sample in found.train] == ["1", "2"]
    assert [sample.label for sample in found.test] == ["3", "4"]
    assert "2 to learn from that TestPath has too" in ignored_sentence(found.ignored)
    with pytest.raises(SourceError, match="none is left to learn from"):
        scan(configure(tmp_path, System={"TestPath": str(tmp_path)}))


def test_the_test_path_has_its_own_pattern(tmp_path: Path, configure: Configure) -> None:
    train, test = touch(tmp_path / "train", "1_x.png"), touch(tmp_path / "test", "x-2.png")
    config = configure(train, System={"TestPath": str(test), "TestRegex": r"\d(?=\.)"})
    assert scan(config).test[0].label == "2"


def test_a_folder_named_twice_counts_once(tmp_path: Path, configure: Configure) -> None:
    touch(tmp_path, "1_a.png")
    assert len(scan(configure("", System={"TrainsPath": [str(tmp_path), str(tmp_path)]})).train) == 1


def test_junk_is_passed_over_and_counted(tmp_path: Path, configure: Configure) -> None:
    touch(tmp_path, "1_a.png", ".DS_Store", "Thumbs.db", "notes.txt", "more.txt", "__MACOSX/1_b.png", ".git/1_c.png")
    found = scan(configure(tmp_path))
    assert len(found.train) == 1
    assert found.ignored == {".DS_Store": 1, "Thumbs.db": 1, ".txt": 2}
    assert ignored_sentence(found.ignored).startswith("4 files passed over: 2 .txt, ")


def test_a_missing_folder_is_named(tmp_path: Path, configure: Configure) -> None:
    with pytest.raises(SourceError, match=r"System\.TrainsPath: .*nowhere.* is not there \(looked from "):
        scan(configure(tmp_path / "nowhere"))


def test_a_folder_without_pictures_says_what_was_there(tmp_path: Path, configure: Configure) -> None:
    touch(tmp_path, "1_a.tiff", "1_b.tiff")
    with pytest.raises(SourceError, match=r"no picture in .*2 files passed over: 2 \.tiff.*end in \.bmp"):
        scan(configure(tmp_path))


def test_names_can_be_left_out(tmp_path: Path, configure: Configure) -> None:
    touch(tmp_path, "1_a.png", "2_b.png")
    found = scan(configure(tmp_path))
    name = found.train[0].name
    kept = found.without(frozenset({name, "another"}))
    assert [sample.label for sample in kept.samples] == ["2"]


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (["{}/1_a.png"], "--exclude leaves 1 picture out"),
        (["{}/1_a.png", "gone"], "--exclude leaves 1 picture out; no picture has 1 of its names: gone"),
        (
            ["a", "d", "c", "b"],
            "warning: --exclude leaves nothing out, because no picture has a name of its list (4): a, b, c, ...",
        ),
    ],
)
def test_what_a_list_leaves_out_is_said(listed: list[str], told: str, tmp_path: Path, configure: Configure) -> None:
    found = scan(configure(touch(tmp_path, "1_a.png", "2_b.png")))
    assert found.left_out_sentence(frozenset(name.format(tmp_path.as_posix()) for name in listed)) == told
