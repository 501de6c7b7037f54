"""What a loaded model must do before it serves: run at its smallest and largest batch, and read its golden pictures."""

from collections.abc import Sequence

import numpy as np

from contract import image
from contract.pixels import Pixels
from engine.errors import EngineError
from engine.reading import Reading, ReadsPixels


class GoldenError(EngineError):
    """A golden picture is read otherwise on this machine than where the model was made."""


def prove(reader: ReadsPixels, max_batch: int, most: int | None = None) -> None:
    """Run a model once at each end of its range, which warms it up, and hold it to its golden pictures.

    Args:
        reader: the loaded model.
        max_batch: the largest batch that it will see, in pictures.
        most: golden pictures that it is held to; None for all.

    Raises:
        GoldenError: it misreads a golden picture; the message shows which, and how.
        PictureError: a golden picture is no picture.
        EngineError: it cannot run.
    """
    spec = reader.spec
    width, height = spec.input_size
    chosen = spec.Golden[:most]
    pictures = [image.to_pixels(golden.Picture, spec.Pretreatment, spec.input_size) for golden in chosen]
    batches = [np.stack(pictures[start : start + max_batch]) for start in range(0, len(pictures), max_batch)]
    for count in sorted({1, max_batch} - set(map(len, batches))):
        _read(reader, np.zeros((count, height, width, spec.Pretreatment.ImageChannel), np.uint8))
    readings = [reading for batch in batches for reading in _read(reader, batch)]
    wrong = [
        f"picture {number} reads {reading.text!r} instead of {golden.Text!r}"
        for number, (golden, reading) in enumerate(zip(chosen, readings, strict=True), start=1)
        if reading.text != golden.Text
    ]
    if wrong:
        raise GoldenError(f"golden pictures are misread: {'; '.join(wrong)}")


def _read(reader: ReadsPixels, pixels: Pixels) -> Sequence[Reading]:
    readings = reader.read_pixels(pixels)
    if len(readings) != len(pixels):
        raise EngineError(f"{reader.spec.Graph.File}: {len(readings)} readings for {len(pixels)} pictures")
    return readings
