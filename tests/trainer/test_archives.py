"""Archives of pictures: whatever their names are written in."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.test_sources import PATTERN, WritePictures, read
from trainer.dataset import sources
from trainer.errors import SourceError


def test_a_zip_archive(tmp_path: Path, write_pictures: WritePictures) -> None:
    pictures = write_pictures(tmp_path / "set", ["1_a.png", "2_b.png"])
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("set")
        for picture in pictures:
            archive.write(picture, f"set/{picture.name}")
        archive.writestr("set/notes.txt", "no picture")
        archive.writestr("__MACOSX/1_a.png", "no picture")
    ignored = sources.Ignored()
    found = sources.read(tmp_path / "set.zip", PATTERN, ignored)
    assert [sample.label for sample in found] == ["1", "2"]
    assert [sample.content.read() for sample in found] == [picture.read_bytes() for picture in pictures]
    assert ignored == {".txt": 1, "__MACOSX": 1}
    (tmp_path / "set.zip").unlink()
    with pytest.raises(OSError, match=r"set\.zip"):
        found[0].content.read()


def test_an_archive_may_be_made_of_the_folder_itself(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("./5036_a.png", "./more/5037_b.png", "./.hidden/5038_c.png"):
            archive.writestr(name, "bytes")
    assert [sample.label for sample in read(tmp_path / "set.zip")] == ["5036", "5037"]


def test_an_archive_may_have_backslashes_in_its_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("set/5036_a.png", "__MACOSX/5036_b.png", "set/empty/"):
            archive.writestr(name, "bytes")
    content = (tmp_path / "set.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(
        content.replace(b"set/5", b"set\\5").replace(b"X/5", b"X\\5").replace(b"set/empty/", b"set\\empty\\")
    )
    (sample,) = read(tmp_path / "set.zip")
    assert (sample.label, sample.content.read()) == ("5036", b"bytes")


def named_without_a_flag(path: Path, name: bytes) -> Path:
    """An archive of one picture whose tool wrote the bytes of its name, and not what they are."""
    stand_in = bytes(len(name))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(stand_in.replace(b"\0", b"n").decode(), b"")
    path.write_bytes(path.read_bytes().replace(stand_in.replace(b"\0", b"n"), name))
    return path


def test_names_of_an_archive_are_utf_8_though_it_does_not_say_so(tmp_path: Path) -> None:
    (sample,) = read(named_without_a_flag(tmp_path / "plates.zip", "\u4eacA123_1.png".encode()))
    assert (sample.label, sample.content.read()) == ("\u4eacA123", b"")


@pytest.mark.parametrize("name", ["\u9a8c\u8bc1/0042_1.png".encode("gbk"), "M\u00e4rz/0042_a.png".encode("cp850")])
def test_what_stands_beside_the_label_may_be_written_in_any_way(tmp_path: Path, name: bytes) -> None:
    (sample,) = read(named_without_a_flag(tmp_path / "set.zip", name))
    assert (sample.label, sample.content.read()) == ("0042", b"")


@pytest.mark.parametrize("name", ["\u4eacA123_1.png".encode("gbk"), "\u30bd12_a.png".encode("shift-jis")])
def test_names_of_an_archive_that_cannot_be_told_are_refused(tmp_path: Path, name: bytes) -> None:
    with pytest.raises(SourceError, match="unpack it"):
        read(named_without_a_flag(tmp_path / "plates.zip", name))


@given(content=st.binary(max_size=100))
def test_any_bytes_are_no_archive_and_no_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "a.zip"
    path.write_bytes(content)
    with pytest.raises(SourceError):
        read(path)


@given(members=st.lists(st.text(min_size=1, max_size=9).filter(str.isprintable), max_size=4, unique=True))
def test_every_picture_of_an_archive_is_found_whatever_its_name(
    tmp_path_factory: pytest.TempPathFactory, members: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in ["first/1_a.png", *members]:
            archive.writestr(member, member)
    ignored = sources.Ignored()
    found = sources.read(path, PATTERN, ignored)
    folders = sum(member.endswith("/" if "/" in member else "\\") for member in members)
    assert len(found) + ignored.total() + folders == len(members) + 1
    assert all(sample.content.read() for sample in found)
