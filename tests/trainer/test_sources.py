import importlib
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config import TrainConfig
from trainer.dataset import pack, sources
from trainer.dataset.propose import propose
from trainer.dataset.sample import Sample
from trainer.dataset.scan import scan
from trainer.dataset.tfrecord import BrokenRecordError, example, examples
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
        ("a.txt", "1.png 0042\n2 b.png\t17\n", {"1.png": "0042", "2 b.png": "17"}),
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
        ("a.txt", b"1.png\n", "line 1: expected a file and its label"),
        ("a.csv", b"\xff\xfe1", "no text in UTF-8"),
        ("a.csv", b"", "names no picture"),
        ("a.csv", b"a" * 200_000 + b",1", "no table of files and labels"),
        ("a.zip", b"PK", "no zip archive, or damaged"),
        ("a.doc", b"", "no file of a kind read here"),
        ("a.tfrecords", b"123", "cut off"),
        ("a.tfrecords", b"\xff" * 40, "this is no TFRecord file"),
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


@pytest.mark.parametrize("feature", ["image", "input"])
def test_tfrecords_of_both_generations(tmp_path: Path, write_pictures: WritePictures, feature: str) -> None:
    pictures = write_pictures(tmp_path, ["1_a.png", "2_b.png"])
    path = write_tfrecords(
        tmp_path / "set.tfrecords",
        ({feature: picture.read_bytes(), "label": f"0{index}".encode()} for index, picture in enumerate(pictures)),
    )
    found = read(path)
    assert [sample.label for sample in found] == ["00", "01"]
    assert [sample.content.read() for sample in found] == [picture.read_bytes() for picture in pictures]
    assert len({sample.content.stamp() for sample in found}) == 2


def test_tfrecords_without_pictures_say_what_they_have(tmp_path: Path) -> None:
    path = write_tfrecords(tmp_path / "set.tfrecords", [{"label": b"1", "other": b"x"}])
    with pytest.raises(SourceError, match=r"record 0: has no picture file with a label \(features: label, other\)"):
        read(path)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_examples_or_broken(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "x.tfrecords"
    path.write_bytes(struct.pack("<QI", len(content), 0) + content + b"1234")
    try:
        (features,) = examples(path)
    except BrokenRecordError:
        return
    for span in features.values():
        assert path.read_bytes()[span.start : span.start + len(span.content)] == span.content


def test_other_kinds_of_features_are_passed_over(tmp_path: Path) -> None:
    tf = importlib.import_module("tensorflow")
    feature = {
        "width": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2, 3])),
        "share": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5])),
        "label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"7", b"8"])),
        "empty": tf.train.Feature(bytes_list=tf.train.BytesList()),
    }
    with tf.io.TFRecordWriter(str(tmp_path / "x")) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    (found,) = examples(tmp_path / "x")
    assert {name: span.content for name, span in found.items()} == {"label": b"7"}


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


def test_a_packed_test_set_is_a_source_again(
    tmp_path: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "set", [f"{number}_a.png" for number in range(20)])
    packed = pack.prepare(configure(tmp_path / "set"), Silent(), root=tmp_path / "one")
    test = packed.load("test")
    found = read(packed.files["test"])
    assert [sample.content.read() for sample in found] == test.encoded
    assert [sample.label for sample in found] == test.labels
    with pytest.raises(SourceError, match="has no picture file"):
        read(packed.files["train"])


@given(st.dictionaries(st.text(max_size=5), st.binary(max_size=300) | st.just(b"x" * 70_000), max_size=5))
def test_examples_are_those_of_tensorflow(features: dict[str, bytes]) -> None:
    tf = importlib.import_module("tensorflow")
    parsed = tf.train.Example.FromString(example(features))
    assert {name: value.bytes_list.value[0] for name, value in parsed.features.feature.items()} == features
