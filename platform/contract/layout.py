"""How graphs are fed and read: our own layout, and those of both generations of captcha_trainer.

A layout is pure description and arithmetic; the engine holds the session and chooses by `Graph.Layout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from contract.charset import BLANK, Charset
from contract.decode import Decoded, Logits, Probabilities, dense, label_probabilities, softmax
from contract.pixels import Pixels
from contract.spec import LayoutName


@dataclass(frozen=True)
class Layout:
    """What the tensors of a graph hold.

    Attributes:
        axes: of the input; `NWHC` has the width before the height.
        dtype: of the input.
        divisor: pixel values 0..255 are divided by it.
        scores: axes of the logits, K = blank and symbols. `NTK`: class 0 is the blank, symbol s is class s + 1. `TNK`:
            class 0 is an empty text that no label has, symbol s is class s + 1, then comes a class without a symbol,
            then the blank. None: they are no CTC scores.
        first: number of the first symbol in the decoded texts int64 [N, L]; -1 and numbers of no symbol are nothing.
    """

    axes: Literal["NHWC", "NWHC"]
    dtype: Literal["uint8", "float32"]
    divisor: int
    scores: Literal["NTK", "TNK"] | None
    first: Literal[0, 1]

    def feed(self, pixels: Pixels) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
        """Turn contract pixels uint8 [N, H, W, C] into what the graph takes."""
        turned = pixels if self.axes == "NHWC" else pixels.transpose(0, 2, 1, 3)
        if self.dtype == "uint8":
            return np.ascontiguousarray(turned)
        return np.ascontiguousarray(turned, np.float32) / np.float32(self.divisor)

    def input_shape(self, size: tuple[int, int], channels: int) -> tuple[int, int, int]:
        """Return the shape of one picture in the input, for a (width, height) in pixels."""
        width, height = size
        return (height, width, channels) if self.axes == "NHWC" else (width, height, channels)

    def classes(self, charset: Charset) -> int:
        """Return K of the logits for a character set."""
        return charset.classes if self.scores == "NTK" else len(charset.symbols) + 3

    def read(self, numbers: npt.NDArray[np.int64], charset: Charset, logits: Logits | None = None) -> list[Decoded]:
        """Read what the graph has decoded itself.

        Args:
            numbers: int64 [N, L], the graph's decoded texts.
            charset: of the model.
            logits: the graph's scores, with the axes of `scores`, where they are at hand.

        Returns:
            One `Decoded` per picture, without single symbols. Its confidence is the probability of the text by the
            scores, and 0 without scores: a text of unknown worth passes no threshold.

        Raises:
            ValueError: the character set is not that of the graph.
        """
        # Behind the symbols of captcha_trainer stands a class that parts equal neighbours and fills shorter texts.
        symbols = charset.symbols if self.first == 0 else ("", *charset.symbols, "")
        texts = dense(numbers, symbols)
        confidences = [0.0] * len(texts)
        if logits is not None and self.scores is not None:
            labels = [_label(row, self.first, len(charset.symbols)) for row in numbers.tolist()]
            confidences = label_probabilities(self._probabilities(logits), labels).tolist()
        return [Decoded(text, confidence, ()) for text, confidence in zip(texts, confidences, strict=True)]

    def _probabilities(self, logits: Logits) -> Probabilities:
        """Return float64 [N, T, K] with the blank as class 0."""
        if self.scores == "NTK":
            return softmax(logits)
        probabilities = softmax(logits.transpose(1, 0, 2))
        return np.concatenate([probabilities[:, :, -1:], probabilities[:, :, 1:-1]], axis=2)


LAYOUTS: Mapping[LayoutName, Layout] = {
    "nhwc-uint8": Layout("NHWC", "uint8", divisor=1, scores="NTK", first=0),
    "captcha-trainer-v1": Layout("NWHC", "float32", divisor=255, scores="TNK", first=1),
    "captcha-trainer-v2": Layout("NWHC", "float32", divisor=255, scores="TNK", first=1),
    "captcha-trainer-v2-fixed": Layout("NWHC", "float32", divisor=255, scores=None, first=1),
}


def _label(numbers: list[int], first: int, symbols: int) -> list[int]:
    """Return the classes of a decoded row, with the class between equal neighbours but not the filling."""
    classes = [number + 1 - first for number in numbers if number + 1 - first > BLANK]
    while classes and classes[-1] > symbols:
        classes.pop()
    return classes
