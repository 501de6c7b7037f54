"""The records of a packed set: TFRecords of contract pixels. Only reading them imports tensorflow.

Each record is a `tf.train.Example` of bytes: `pixels` (uint8 [H, W, C]), `label` (as the model is to read it, UTF-8),
`name`, `sha256` (of the picture file), and `encoded`: the picture file itself for the test set, else empty.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from contract.pixels import Pixels
from engine.quiet import import_tensorflow
from trainer.dataset.tfrecord import example, framed
from trainer.errors import DataError

BATCH = 256  # records parsed in one call
WRITE_BYTES = 1 << 20  # in one call


class Record(NamedTuple):  # a tuple: as many are made as there are pictures
    """One record, as it is written."""

    pixels: bytes
    label: str
    name: str
    sha256: str
    encoded: bytes = b""


@dataclass(frozen=True)
class Examples:
    """One side of a packed set, in memory: 50,000 gray pictures of 160x60 take 480 MB.

    Attributes:
        pixels: uint8 [N, H, W, C].
        labels: as the model is to read them.
        names: where the pictures came from.
        sha256: of the picture files.
        encoded: the picture files of the test set; empty bytes for the train set.
    """

    pixels: Pixels
    labels: list[str]
    names: list[str]
    sha256: list[str]
    encoded: list[bytes]

    def __len__(self) -> int:
        return len(self.labels)


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records to a new file."""
    with path.open("wb", buffering=WRITE_BYTES) as file:
        for record in records:
            fields = {
                "pixels": record.pixels,
                "label": record.label.encode(),
                "name": record.name.encode(),
                "sha256": record.sha256.encode(),
                "encoded": record.encoded,
            }
            file.writelines(framed(example(fields)))


def load(path: Path, count: int, shape: tuple[int, int, int]) -> Examples:
    """Load a file of records.

    Args:
        path: the file.
        count: N, how many there are.
        shape: (H, W, C) of the pixels.

    Returns:
        All of them, in the order of the file.

    Raises:
        DataError: the file is damaged.
    """
    pixels = np.empty((count, *shape), np.uint8)
    texts: dict[str, list[bytes]] = {"label": [], "name": [], "sha256": [], "encoded": []}
    start = 0
    for batch in _batches(path, ("pixels", *texts)):
        decoded = np.frombuffer(b"".join(batch["pixels"]), np.uint8).reshape(-1, *shape)
        pixels[start : start + len(decoded)] = decoded
        start += len(decoded)
        for key, values in texts.items():
            values.extend(batch[key])
    return Examples(
        pixels=pixels,
        labels=[text.decode() for text in texts["label"]],
        names=[text.decode() for text in texts["name"]],
        sha256=[text.decode() for text in texts["sha256"]],
        encoded=texts["encoded"],
    )


def pixels_by_digest(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the SHA-256 of each picture file and its contract pixels; raises as `load`."""
    for batch in _batches(path, ("sha256", "pixels")):
        yield from zip([digest.decode() for digest in batch["sha256"]], batch["pixels"], strict=True)


def _batches(path: Path, keys: Sequence[str]) -> Iterator[dict[str, list[bytes]]]:
    tf = _tensorflow()
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in keys}
    try:
        for batch in tf.data.TFRecordDataset(str(path)).batch(BATCH):
            parsed = tf.io.parse_example(batch, features)
            yield {key: list(parsed[key].numpy()) for key in keys}
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise DataError(f"{path} is damaged; delete it, and the pictures are packed again") from error


def _tensorflow() -> Any:  # noqa: ANN401 - a module
    import_tensorflow()
    import tensorflow as tf  # noqa: PLC0415 - late: the rest of the dataset must not wait for it

    return tf
