"""A loaded model: a TensorFlow session over one checked graph, and the way from picture bytes to text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from contract import image, spec
from contract.decode import Logits, ctc_greedy
from contract.errors import PictureError
from contract.image import DEFAULT_LIMITS, Limits, Pixels
from contract.spec import ModelSpec
from engine.errors import EngineError, GraphError
from engine.graph import parse_checked
from engine.reading import Reading


class Recognizer:
    """One model in this process. `read` may be called from many threads at once; close it when none is reading.

    Attributes:
        spec: the model's description.
    """

    def __init__(self, model: ModelSpec, graph: bytes, *, threads: int = 0) -> None:
        """Check the graph and start a session on the CPU.

        Args:
            model: the model's description.
            graph: the bytes of its .pb.
            threads: for the work inside one operation; 0 for as many as there are cores.

        Raises:
            DigestError: the bytes are not the YAML's.
            GraphError: the bytes can never be served here.
        """
        self.spec = model
        definition = parse_checked(graph, model)
        config = tf.compat.v1.ConfigProto(
            device_count={"GPU": 0}, intra_op_parallelism_threads=threads, inter_op_parallelism_threads=0
        )
        loaded = tf.Graph()
        try:
            with loaded.as_default():
                tf.import_graph_def(definition, name="")
            self._session = tf.compat.v1.Session(graph=loaded, config=config)
            endpoints = [model.Graph.Logits, model.Graph.Decoded]
            self._logits = self._session.make_callable(endpoints[0], [model.Graph.Input])
            self._both = self._session.make_callable(endpoints, [model.Graph.Input])
            classes = loaded.get_tensor_by_name(model.Graph.Logits).shape[-1]
        except (ValueError, KeyError, tf.errors.OpError) as error:
            raise GraphError(f"{model.Graph.File}: tensorflow cannot load it: {_first_line(error)}") from error
        if classes is not None and classes != model.charset.classes:
            self.close()
            raise GraphError(
                f"{model.Graph.File}: the graph tells {classes} classes apart, but the character set of the YAML has "
                f"{model.charset.classes} (its symbols and the blank)"
            )

    def read(self, pictures: Sequence[bytes], limits: Limits = DEFAULT_LIMITS) -> list[Reading]:
        """Read picture files; a picture that cannot be read gets a reading with its error, in its place."""
        prepared: list[Pixels | PictureError] = []
        for content in pictures:
            try:
                prepared.append(self.prepare(content, limits))
            except PictureError as error:
                prepared.append(error)
        good = [item for item in prepared if isinstance(item, np.ndarray)]
        readings = iter(self.read_pixels(np.stack(good)) if good else [])
        return [Reading("", 0.0, error=item) if isinstance(item, PictureError) else next(readings) for item in prepared]

    def prepare(self, content: bytes, limits: Limits = DEFAULT_LIMITS) -> Pixels:
        """Turn picture bytes into this model's pixels, uint8 [H, W, C]; raises PictureError."""
        return image.to_pixels(content, self.spec.Pretreatment, self.spec.input_size, limits)

    def read_pixels(self, pixels: Pixels) -> list[Reading]:
        """Read contract pixels uint8 [N, H, W, C]; one reading per picture, in order."""
        decoded = ctc_greedy(self.logits(pixels), self.spec.charset)
        return [Reading(item.text, item.confidence, item.symbols) for item in decoded]

    def logits(self, pixels: Pixels) -> Logits:
        """Return the scores float32 [N, T, K] for contract pixels uint8 [N, H, W, C].

        Raises:
            EngineError: tensorflow could not run the graph.
        """
        try:
            result: Logits = self._logits(pixels)
        except tf.errors.OpError as error:
            raise EngineError(f"{self.spec.Graph.File}: tensorflow cannot run it: {_first_line(error)}") from error
        return result

    def logits_and_symbols(self, pixels: Pixels) -> tuple[Logits, npt.NDArray[np.int64]]:
        """Return `logits` and the graph's own greedy reading: symbol numbers int64 [N, L], filled with -1."""
        logits, symbols = self._both(pixels)
        return logits, symbols

    def close(self) -> None:
        """Free the session."""
        self._session.close()


def load(spec_path: Path, graph_path: Path | None = None, *, threads: int = 0) -> Recognizer:
    """Load an artifact from its model YAML.

    Args:
        spec_path: the model YAML.
        graph_path: the .pb; by default `Graph.File` beside the YAML or in the folder `graph` next to the YAML's folder,
            which is how the trainer leaves them and the platform finds them.
        threads: as for Recognizer.

    Raises:
        ConfigError: the YAML cannot be used.
        EngineError: the graph is missing or cannot be used.
    """
    model = spec.read(spec_path)
    places = [graph_path] if graph_path else [spec_path.parent, spec_path.parent.parent / "graph"]
    paths = [place / model.Graph.File if place.is_dir() else place for place in places]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise EngineError(f"{spec_path}: its graph is missing; looked for {' and '.join(map(str, paths))}")
    return Recognizer(model, found.read_bytes(), threads=threads)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
