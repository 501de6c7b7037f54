import csv
import importlib
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.composed import composed
from trainer.config import TrainConfig
from trainer.dataset import pack, sources
from trainer.dataset.propose import propose
from trainer.dataset.sample import Sample
from trainer.dataset.scan import scan
from trainer.dataset.tfrecord import example, framed
from trainer.errors import SourceError
from trainer.progress import Silent

Configure = Callable[..., TrainConfig]
WritePictures = Callable[[Path, Iterable[str]], list[Path]]

PATTERN = re.compile(".*?(?=_)")


def read(path: Path) -> list[Sample]:
    return sources.read(path, PATTERN, sources.Ignored())


def labels(path: Path) -> dict[str, str | None]:
    return {Path(sample.name).name: sample.label for sample in read(path)}


def write_tfrecords(path: Path, records: Iterable[Mapping[str, bytes]]) -> Path:
    """Write with tensorflow itself, as captcha_trainer did."""
    tf = importlib.import_module("tensorflow")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in record.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "1.png,0042\n2.png,1e5\n", {"1.png": "0042", "2.png": "1e5"}),
        ("a.csv", "\ufefffile,label\n1.png,null\n\n", {"1.png": "null"}),
        ("a.csv", '1.png, "a,b"\n', {"1.png": "a,b"}),
        ("a.csv", "1.png,\n", {"1.png": ""}),
        ("a.csv", "1.png,7,a remark\n", {"1.png": "7"}),
        ("a.tsv", "filename\tlabel\n1 a.png\tx y\n", {"1 a.png": "x y"}),
        ("a.csv", "image_path,text\n1.png,a\n1.png,a\n", {"1.png": "a"}),
        ("a.csv", "id,Label,File\n7,a,1.png\n8,b,2.png\n", {"1.png": "a", "2.png": "b"}),
        ("a.csv", '1.png,"1"""\n2.png,3"\n', {"1.png": '1"', "2.png": '3"'}),
        ("a.txt", "1.png 0042\n2 b.png\t17\n3.png\tAB 12\n", {"1.png": "0042", "2 b.png": "17", "3.png": "AB 12"}),
    ],
)
def test_label_files(tmp_path: Path, name: str, text: str, expected: dict[str, str]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert labels(path) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"1.png,1\n2.png\n", "line 2: expected a file and its label, found '2.png'"),
        ("a.csv", b"file,label\n1.png,1\n2.png,2\n1.png,x\n", "lines 2 and 4: '1.png' is '1' and 'x'; leave one out"),
        ("a.txt", b"1.png\n", "line 1: expected a file and its label"),
        ("a.csv", b"\xff\xfe1", "no text in UTF-8"),
        ("a.csv", b"", "names no picture"),
        ("a.tsv", b'1.png\t1\n2.png\t"34\n3.png\t56\n4.png\t78"\n', "line 2: unexpected end of data; a quotation mark"),
        ("a.csv", b"a" * 200_000 + b",1", "no table of files and labels"),
        ("a.zip", b"PK", "no zip archive, or damaged"),
        ("a.doc", b"", "no file of a kind read here"),
        ("a.tfrecords", b"123", "cut off"),
        ("a.tfrecords", b"\xff" * 40, "no record begins at byte 0: damaged, or no TFRecords"),
        ("a.tfrecords", b"", "names no picture"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(message)):
        read(tmp_path / name)


def test_files_of_a_label_file_are_found_beside_it_and_in_the_folders_there(
    tmp_path: Path, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path, ["1.png"])
    write_pictures(tmp_path / "train", ["2.png"])
    (tmp_path / "train.txt").write_text("1.png a\n2.png b\nlost.png c\n", encoding="utf-8")
    assert [sample.name for sample in read(tmp_path / "train.txt")] == [
        (tmp_path / name).as_posix() for name in ("1.png", "train/2.png", "lost.png")
    ]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("0.png", "val/0.png"),  # the folder named as the table, as captcha_trainer lays its sets out
        ("val/0.png", "val/0.png"),
        (r"val\0.png", "val/0.png"),  # of a table made on Windows
        ("only.png", "train/only.png"),
        ("val/only.png", "val/only.png"),  # is not there, and no other one takes its place
    ],
)
def test_a_label_is_never_given_to_another_picture_of_that_name(
    tmp_path: Path, write_pictures: WritePictures, line: str, place: str
) -> None:
    write_pictures(tmp_path / "train", ["0.png", "only.png"])
    write_pictures(tmp_path / "val", ["0.png"])
    (tmp_path / "val.csv").write_text(f"{line},a\n", encoding="utf-8")
    assert [sample.name for sample in read(tmp_path / "val.csv")] == [(tmp_path / place).as_posix()]


def test_a_name_that_several_folders_have_is_refused(tmp_path: Path, write_pictures: WritePictures) -> None:
    for folder in ("train", "val"):
        write_pictures(tmp_path / folder, ["0.png"])
    (tmp_path / "labels.csv").write_text("0.png,a\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"line 1: '0.png' is in several folders \(train, val\)"):
        read(tmp_path / "labels.csv")


def test_a_later_label_file_overrules_a_folder(
    tmp_path: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "pictures", ["1_a.png", "2_a.png"])
    (tmp_path / "better.csv").write_text("pictures/2_a.png,7\n", encoding="utf-8")
    paths = [str(tmp_path / "pictures"), str(tmp_path / "better.csv")]
    assert [sample.label for sample in scan(configure("", System={"TrainsPath": paths})).train] == ["1", "7"]


def test_patterns_name_folders_and_pictures(
    tmp_path: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "one", ["1_a.png"])
    write_pictures(tmp_path / "two", ["2_a.png", "3_a.png"])
    assert len(scan(configure(tmp_path / "*")).train) == 3
    assert [sample.label for sample in scan(configure(tmp_path / "t*" / "3*.png")).train] == ["3"]
    assert len(scan(configure(tmp_path / "**" / "*.png")).train) == 3
    with pytest.raises(SourceError, match="nothing fits the pattern"):
        scan(configure(tmp_path / "four*"))


def test_a_folder_with_brackets_in_its_name_is_a_folder(
    tmp_path: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "set [1]", ["1_a.png"])
    assert len(scan(configure(tmp_path / "set [1]")).train) == 1


@pytest.mark.parametrize("kind", ["folder", "csv", "tfrecords"])
def test_a_label_is_one_text_however_its_letters_are_composed(kind: str, tmp_path: Path) -> None:
    apart, whole = "u\u0308\u304b\u3099\u1112\u1161\u11ab", "\u00fc\u304c\ud55c"
    if kind == "folder":
        (tmp_path / f"{apart}_1.png").touch()
    elif kind == "csv":
        (tmp_path / "set.csv").write_text(f"1.png,{apart}\n", encoding="utf-8")
    else:
        record = framed(example({"image": b"x", "label": apart.encode()}))
        (tmp_path / "set.tfrecords").write_bytes(b"".join(record))
    (sample,) = read(tmp_path if kind == "folder" else tmp_path / f"set.{kind}")
    assert sample.label == whole


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for name in ("\u9a8c_1.png".encode("gbk"), b"0042_1.png"):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).touch()
    with pytest.raises(SourceError, match=r"1 file names are not in UTF-8, such as .*\\udc.*convmv"):
        read(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_to_folders_are_followed_once_and_in_no_circle(tmp_path: Path) -> None:
    (tmp_path / "set" / "real").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "set" / "real" / "1_a.png").touch()
    (tmp_path / "elsewhere" / "2_b.png").touch()
    for name, target in {"again": "real", "far": "../elsewhere", "up": "."}.items():
        (tmp_path / "set" / name).symlink_to(target)
    assert [sample.name for sample in read(tmp_path / "set")] == [
        (tmp_path / "set" / place).as_posix() for place in ("real/1_a.png", "far/2_b.png")
    ]


def test_where_a_drive_numbers_nothing_all_folders_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("1_a.png", "one/2_b.png", "two/3_c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    look = os.stat

    def numberless(path: str, **more: object) -> os.stat_result:
        found = list(look(path, **more))
        return os.stat_result([found[0], 0, *found[2:]])

    monkeypatch.setattr("os.stat", numberless)
    assert sorted(labels(tmp_path).values()) == ["1", "2", "3"]


def test_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "1_a.png").touch()
    look = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("away"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr("os.scandir", refusing)
    with pytest.raises(PermissionError, match="away"):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["zip", "tfrecords", "csv"])
def test_a_set_is_the_same_set_wherever_it_comes_from(
    tmp_path: Path, configure: Configure, write_pictures: WritePictures, kind: str
) -> None:
    pictures = write_pictures(tmp_path / "set", [f"{number}_a.png" for number in range(20)])
    path = tmp_path / f"other.{kind}"
    match kind:
        case "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for picture in pictures:
                    archive.write(picture, picture.name)
        case "csv":
            path.write_text("".join(f"{picture.name},{picture.name.split('_')[0]}\n" for picture in pictures))
        case _:
            write_tfrecords(
                path,
                [{"image": picture.read_bytes(), "label": picture.name.split("_")[0].encode()} for picture in pictures],
            )
    here = pack.prepare(configure(tmp_path / "set"), Silent(), root=tmp_path / "one")
    there = pack.prepare(configure(path), Silent(), root=tmp_path / "two")
    assert there.fingerprint == here.fingerprint
    assert propose(path).charset == propose(tmp_path / "set").charset == "NUMERIC"


@given(text=st.text(max_size=80), kind=st.sampled_from(["csv", "tsv", "txt"]))
def test_any_text_is_a_label_file_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, kind: str) -> None:
    path = tmp_path_factory.mktemp("any") / f"a.{kind}"
    path.write_text(text, encoding="utf-8")
    try:
        found = read(path)
    except SourceError:
        return
    assert found
    assert all(isinstance(sample.label, str) for sample in found)


# Names that every file system takes, and labels without line breaks or a blank in front, which is not part of a cell.
names = st.text("abcäß 1_-.,'\"", min_size=1, max_size=8).map(lambda text: f"x{text}x.png")
one_line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8).map(str.lstrip)


@given(rows=st.dictionaries(names, one_line, min_size=1, max_size=5), kind=st.sampled_from(["csv", "tsv"]))
def test_labels_come_back_as_a_spreadsheet_wrote_them(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str], kind: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a.{kind}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="," if kind == "csv" else "\t").writerows(rows.items())
    assert labels(path) == rows


@given(text=st.text(max_size=20), pattern=st.sampled_from([".*?(?=_)", r".*?(?=\.)", "[0-9]+", ""]))
def test_a_label_is_what_re_finds_in_the_last_part_of_a_name(text: str, pattern: str) -> None:
    found = re.search(pattern, composed(text.rsplit("/", maxsplit=1)[-1]))
    assert sources.label_of(text, re.compile(pattern)) == (found[0] if found else None)
