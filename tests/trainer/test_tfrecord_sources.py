"""TFRecords as a source: those of captcha_trainer, and what was packed here."""

import collections
import importlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import image
from tests.trainer.test_sources import Configure, WritePictures, read, write_tfrecords
from trainer.dataset import pack
from trainer.dataset.propose import propose
from trainer.dataset.tfrecord import BrokenRecordError, example, examples
from trainer.dataset.verify import verify
from trainer.errors import SourceError
from trainer.progress import Silent


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


def test_a_packed_test_set_is_a_source_again(
    tmp_path: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "set", [f"{number}_a.png" for number in range(20)])
    packed = pack.prepare(configure(tmp_path / "set"), Silent(), root=tmp_path / "one")
    test = packed.load("test")
    found = read(packed.files["test"])
    assert [sample.content.read() for sample in found] == test.encoded
    assert [sample.label for sample in found] == test.labels


@pytest.mark.parametrize("channels", [1, 3])
def test_a_packed_train_set_is_a_source_again_by_its_pixels(
    channels: int, tmp_path: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "set", [f"{number}_a.png" for number in range(20)])
    config = configure(tmp_path / "set", Pretreatment={"ImageChannel": channels})
    packed = pack.prepare(config, Silent(), root=tmp_path / "one")
    train, found = packed.load("train"), read(packed.files["train"])
    assert [sample.label for sample in found] == train.labels
    for sample, pixels in zip(found, train.pixels, strict=True):
        again = image.to_pixels(sample.content.read(), config.Pretreatment, config.input_size)
        assert (again == pixels).all()
    (packed.files["train"].parent / "manifest.json").unlink()
    with pytest.raises(SourceError, match=r"manifest\.json that says how large its pictures are is not beside it"):
        read(packed.files["train"])


# A test set that captcha_trainer's early generation packed in 2019; it does not come along.
MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist_captcha_trainer_v1.tfrecords"


@pytest.mark.skipif(not MNIST.exists(), reason="the file is not here")
def test_a_real_file_of_captcha_trainer(tmp_path: Path, configure: Configure) -> None:
    proposal = propose(MNIST)
    assert (proposal.pictures, proposal.size, proposal.charset) == (1000, (28, 28), "NUMERIC")
    assert proposal.resize is None  # 28 pixels make frames enough for one digit
    config = configure(MNIST, Model={"ImageWidth": 28, "ImageHeight": 28})
    assert verify(config, Silent()).findings == ()
    packed = pack.prepare(config, Silent(), root=tmp_path)
    assert packed.counts == {"train": 900, "test": 100}
    labels = collections.Counter(packed.load("train").labels + packed.load("test").labels)
    assert labels == dict(zip("0123456789", (108, 125, 91, 111, 90, 83, 102, 96, 88, 106), strict=True))


@given(st.dictionaries(st.text(max_size=5), st.binary(max_size=300) | st.just(b"x" * 70_000), max_size=5))
def test_examples_are_those_of_tensorflow(features: dict[str, bytes]) -> None:
    tf = importlib.import_module("tensorflow")
    parsed = tf.train.Example.FromString(example(features))
    assert {name: value.bytes_list.value[0] for name, value in parsed.features.feature.items()} == features
