import importlib
from pathlib import Path

import pytest

from trainer.dataset import records, tfrecord
from trainer.dataset.records import Record


def test_files_of_records_are_those_of_tensorflow_to_the_byte(tmp_path: Path) -> None:
    tf = importlib.import_module("tensorflow")
    written = [
        Record(bytes(range(length % 256)), "ä" * (length % 5), "x.png", "0" * 64, b"p" * (length * 37))
        for length in range(40)
    ]
    records.write(tmp_path / "ours", written)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for span in tf.data.TFRecordDataset(str(tmp_path / "ours")):
            writer.write(span.numpy())
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    found = [{key: span.content for key, span in features.items()} for features in tfrecord.examples(tmp_path / "ours")]
    assert [features["encoded"] for features in found] == [record.encoded for record in written]
    assert [features["label"].decode() for features in found] == [record.label for record in written]


def test_a_bit_that_flipped_anywhere_in_a_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "one"
    records.write(path, [Record(b"picture", "label", "x.png", "0" * 64, b"pixels")])
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        with pytest.raises(tfrecord.BrokenRecordError):
            list(tfrecord.examples(path))
