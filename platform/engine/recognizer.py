"""A loaded model: a TensorFlow session over one checked graph, and the way from picture bytes to text."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from contract import decode, image, legacy
from contract.decode import Decoded, Logits
from contract.errors import PictureError
from contract.files import sha256
from contract.image import DEFAULT_LIMITS, Limits
from contract.layout import LAYOUTS
from contract.legacy_charset import reader_in
from contract.pixels import Pixels
from contract.spec import Arithmetic, ModelSpec
from contract.strict import parse_yaml, read_bytes, validate
from engine import sessions
from engine.arithmetic import Compute, chosen
from engine.calling import Call
from engine.endpoints import check_decoded, check_outputs, check_scores
from engine.errors import EngineError, GraphError
from engine.graph import NATIVE, has_control_flow, has_scores, parse_checked
from engine.pauses import Pause, no_pause
from engine.reading import Reading, Reads
from engine.threads import LATENCY, Threads
from engine.tiles import hasten

# Tensorflow says these before it says what is wrong.
_PREAMBLE = ("Graph execution error", "Detected at node", "Node: ")


class Recognizer:
    """One model in this process. `read` may be called from many threads at once; close it when none is reading.

    Attributes:
        spec: the model's description.
        arithmetic: that it is computed in on this machine.
    """

    def __init__(
        self,
        model: ModelSpec,
        graph: bytes,
        *,
        threads: Threads = LATENCY,
        compute: Compute = "auto",
        pause: Pause = no_pause,
    ) -> None:
        """Check the graph and start a session on the CPU.

        Args:
            model: the model's description.
            graph: the bytes of its .pb.
            threads: how it shares the cores.
            compute: the arithmetic; `auto` goes by the model and the CPU.
            pause: called between the pieces of it.

        Raises:
            DigestError: the bytes are not the YAML's.
            GraphError: the bytes can never be served here.
        """
        self.spec = model
        self.arithmetic: Arithmetic = chosen(model, compute)
        self._layout = LAYOUTS[model.Graph.Layout]
        self._is_native = model.Graph.Layout == NATIVE
        definition = parse_checked(graph, model)
        self._has_scores = has_scores(definition, model)
        pause()
        try:
            self._open(definition, threads, pause)
        except (ValueError, KeyError, tf.errors.OpError) as error:
            raise GraphError(f"{model.Graph.File}: tensorflow cannot load it: {_first_line(error)}") from error

    def _open(self, definition: tf.compat.v1.GraphDef, threads: Threads, pause: Pause) -> None:
        names = self.spec.Graph
        flows = has_control_flow(definition)
        loaded = tf.Graph()
        with loaded.as_default():
            tf.import_graph_def(definition, name="")
        pause()
        if self._is_native and self.arithmetic == "float32" and not flows:
            hasten(loaded, pause)
        if self._has_scores:
            check_scores(loaded.get_tensor_by_name(names.Logits), self.spec)
        check_decoded(loaded.get_tensor_by_name(names.Decoded), self.spec)
        endpoints = [names.Logits, names.Decoded] if self._has_scores else [names.Decoded]
        config = sessions.config(threads, self.arithmetic, flows=flows, native=self._is_native)
        self._sessions = [tf.compat.v1.Session(graph=loaded, config=config)]
        self._all = Call(self._sessions[0], names.Input, endpoints)
        self._scores = Call(self._sessions[0], names.Input, endpoints[:1])
        self._spare: Call | None = None
        pause()
        if threads.spare and sessions.there_is_spare_time():
            self._sessions.append(tf.compat.v1.Session(graph=loaded, config=sessions.in_spare_time(config)))
            self._spare = Call(self._sessions[1], names.Input, endpoints[:1] if self._is_native else endpoints)
            self._spare.prepare()  # whoever loads would wait for that thread
            pause()

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
        """Read contract pixels uint8 [N, H, W, C]; one reading per picture, in order.

        Raises:
            EngineError: tensorflow could not run the graph, or what came out cannot be read.
        """
        return self._read(self._scores if self._is_native else self._all, pixels)

    @property
    def read_in_spare_time(self) -> Reads | None:
        """`read_pixels` on the thread for it, see `engine.sessions`; None without it."""
        return partial(self._read, self._spare) if self._spare else None

    def _read(self, call: Call, pixels: Pixels) -> list[Reading]:
        try:
            decoded = self._decoded(call, pixels)
        except ValueError as error:
            raise EngineError(f"{self.spec.Graph.File}: {_first_line(error)}") from error
        return [Reading(item.text, item.confidence, item.symbols) for item in decoded]

    def _decoded(self, call: Call, pixels: Pixels) -> list[Decoded]:
        if self._is_native:
            self._need_scores()
            (logits,) = self._run(call, pixels)
            return decode.read(logits, self.spec.charset, self.spec.Graph.Head)
        *scores, numbers = self._run(call, pixels)
        return self._layout.read(numbers, self.spec.charset, *scores)

    def logits(self, pixels: Pixels) -> Logits:
        """Return the scores for contract pixels uint8 [N, H, W, C].

        Returns:
            float32 [N, T, K], class 0 the blank, or the padding of a fixed head's T positions; of a graph of
            captcha_trainer [T, N, K] as `contract.layout` tells.

        Raises:
            EngineError: tensorflow could not run the graph, or it has no scores.
        """
        self._need_scores()
        result: Logits
        (result,) = self._run(self._scores, pixels)
        return result

    def logits_and_symbols(self, pixels: Pixels) -> tuple[Logits, npt.NDArray[np.int64]]:
        """Return `logits` and the graph's own reading: symbol numbers int64 [N, L] as its layout counts them."""
        logits, symbols = self._run(self._all, pixels)
        return logits, symbols

    def _need_scores(self) -> None:
        if not self._has_scores:
            raise EngineError(f"{self.spec.Graph.File}: this graph gives texts without scores")

    def _run(self, call: Call, pixels: Pixels) -> list[Any]:
        width, height = self.spec.input_size
        wanted = (height, width, self.spec.Pretreatment.ImageChannel)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != wanted:
            raise EngineError(
                f"{self.spec.Graph.File}: it reads uint8 pictures [N, H, W, C] = {['N', *wanted]}; "
                f"these are {pixels.dtype} {list(pixels.shape)}"
            )
        try:
            outputs = call(self._layout.feed(pixels))
        except tf.errors.OpError as error:
            raise EngineError(f"{self.spec.Graph.File}: tensorflow cannot run it: {_first_line(error)}") from error
        check_outputs(outputs, len(pixels), self.spec, scored=self._has_scores)
        return outputs

    def close(self) -> None:
        """Free the sessions."""
        for session in self._sessions:
            session.close()


def load(
    spec_path: Path, graph_path: Path | None = None, *, threads: Threads = LATENCY, compute: Compute = "auto"
) -> Recognizer:
    """Load an artifact from its model YAML: ours, or one of captcha_trainer.

    Args:
        spec_path: the model YAML.
        graph_path: the .pb; by default the one that the YAML names, beside it or in the folder `graph` next to the
            YAML's folder, which is how the trainers leave them and the platform finds them.
        threads: as for Recognizer.
        compute: as for Recognizer.

    Raises:
        ConfigError: the YAML cannot be used.
        EngineError: the graph is missing or cannot be used.
    """
    model, graph = _read_pair(spec_path, graph_path)
    return Recognizer(model, graph, threads=threads, compute=compute)


def _read_pair(spec_path: Path, graph_path: Path | None) -> tuple[ModelSpec, bytes]:
    source = str(spec_path)
    content = read_bytes(spec_path)
    tree = parse_yaml(content, source)  # once: golden pictures make it a slow part of loading
    old = legacy.parse(content, source, reader_in(spec_path.parent)) if legacy.generation_of(tree) else None
    if old is None:
        model = validate(ModelSpec, tree, source)
        return model, _graph_bytes(spec_path, model.Graph.File, graph_path)
    graph = _graph_bytes(spec_path, old.graph_file, graph_path)
    return old.with_graph(sha256(graph)), graph


def _graph_bytes(spec_path: Path, file: str, graph_path: Path | None) -> bytes:
    places = [graph_path] if graph_path else [spec_path.parent, spec_path.parent.parent / "graph"]
    paths = [place / file if place.is_dir() else place for place in places]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise EngineError(f"{spec_path}: its graph is missing; looked for {' and '.join(map(str, paths))}")
    return found.read_bytes()


def _first_line(error: BaseException) -> str:
    lines = (line for line in str(error).splitlines() if line and not line.startswith(_PREAMBLE))
    return next(lines, type(error).__name__)
