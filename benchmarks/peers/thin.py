"""What every peer does: base64 to pixels with Pillow, pixels to text with one TensorFlow session."""

import base64
import io
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from PIL import Image


def to_pixels(text: str) -> np.ndarray:
    """Return uint8 [H, W, 1] of a picture file in base64."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image.convert("L"))[:, :, np.newaxis]


class Model:
    """The frozen graph in the folder PEER_MODEL, with its symbols beside it."""

    def __init__(self) -> None:
        folder = Path(os.environ["PEER_MODEL"])
        self._symbols = (folder / "symbols.txt").read_text("utf-8")
        definition = tf.compat.v1.GraphDef.FromString((folder / "model.pb").read_bytes())
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(definition, name="")
        self._session = tf.compat.v1.Session(graph=graph)

    def read(self, batch: list[np.ndarray]) -> list[str]:
        """Return one text per picture."""
        rows = self._session.run("dense_decoded:0", {"input:0": np.stack(batch)})
        return ["".join(self._symbols[index] for index in row if index >= 0) for row in rows]
