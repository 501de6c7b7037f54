"""What a network says of many pictures."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from contract.pixels import Pixels

if TYPE_CHECKING:
    import keras


MOST_PIXELS = 400 * 160 * 60  # at once; a network's first layers make some hundred bytes of each


def at_once(asked: int, size: tuple[int, int]) -> int:
    """Return how many pictures to read at once: as many as asked for, but fewer where they are large.

    Args:
        asked: for example `Trains.TestBatchSize`.
        size: (width, height) of a picture in pixels.
    """
    width, height = size
    return max(1, min(asked, MOST_PIXELS // (width * height)))


def scores(model: "keras.Model", pixels: Pixels, batch_size: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the scores of contract pixels, float32 [B, T, K] for each batch in their order.

    Args:
        model: takes uint8 [B, H, W, C]; what it says of a picture depends on no other one.
        pixels: uint8 [N, H, W, C].
        batch_size: pictures at once; the last batch may be smaller, and all are where pictures are large.
    """
    _, height, width, _ = pixels.shape
    batch_size = at_once(batch_size, (width, height))
    size = min(batch_size, len(pixels))
    for start in range(0, len(pixels), batch_size):
        part = pixels[start : start + batch_size]
        # The last batch is filled up, since keras traces the network anew for each size, which takes longer than that.
        filled = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)])
        yield np.asarray(model.predict_on_batch(filled))[: len(part)]
