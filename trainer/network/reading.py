"""What a network says of many pictures."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from contract.pixels import Pixels

if TYPE_CHECKING:
    import keras


def scores(model: "keras.Model", pixels: Pixels, batch_size: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the scores of contract pixels, float32 [B, T, K] for each batch in their order.

    Args:
        model: takes uint8 [B, H, W, C]; what it says of a picture depends on no other one.
        pixels: uint8 [N, H, W, C].
        batch_size: pictures at once; the last batch may be smaller.
    """
    size = min(batch_size, len(pixels))
    for start in range(0, len(pixels), batch_size):
        part = pixels[start : start + batch_size]
        # The last batch is filled up, since keras traces the network anew for each size, which takes longer than that.
        filled = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)])
        yield np.asarray(model.predict_on_batch(filled))[: len(part)]
