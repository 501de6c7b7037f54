"""The runtimes that an export is proven in: from contract pixels to scores, each through its own library."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

import engine
from contract.decode import Logits, dense
from contract.pixels import Pixels
from contract.spec import ModelSpec
from engine.arithmetic import Compute
from engine.quiet import import_tensorflow
from trainer.errors import TrainerError

Format = Literal["onnx", "savedmodel", "tflite"]

_MISSING = "{library} is not installed: pip install 'captcha-foundry[{extra}]'"


class Runtime(Protocol):
    """A model that is loaded in some runtime."""

    def read(self, pixels: Pixels) -> tuple[Logits, list[str] | None]:
        """Return scores float32 [N, T, K] for uint8 [N, H, W, C], and texts where the model makes them itself."""


class Frozen:
    """The frozen graph in the engine, as the platform runs it."""

    def __init__(self, spec: ModelSpec, path: Path, compute: Compute = "auto") -> None:
        """Load the graph."""
        self._charset = spec.charset.symbols
        self._recognizer = engine.open_model(spec, path.read_bytes(), compute=compute)

    def read(self, pixels: Pixels) -> tuple[Logits, list[str] | None]:
        """Return scores and texts."""
        logits, symbols = self._recognizer.logits_and_symbols(pixels)
        return logits, dense(symbols, self._charset)


class Onnx:
    """An ONNX file in onnxruntime."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Open the file; `threads` inside an operation, 0 for as many as there are cores."""
        try:
            import onnxruntime  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise TrainerError(_MISSING.format(library="onnxruntime", extra="onnx")) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def read(self, pixels: Pixels) -> tuple[Logits, list[str] | None]:
        """Return scores; the file has no decoder."""
        return self._session.run(["logits"], {"input": pixels})[0], None


class SavedModel:
    """A SavedModel folder through its serving signature, as TensorFlow Serving calls it."""

    def __init__(self, path: Path) -> None:
        """Load the folder."""
        import_tensorflow()
        import tensorflow as tf  # noqa: PLC0415 - late, and without keras

        self._loaded = tf.saved_model.load(str(path))  # held: its signature refers to it only weakly
        self._call = self._loaded.signatures["serving_default"]
        self._tensor: Callable[[Pixels], Any] = tf.constant

    def read(self, pixels: Pixels) -> tuple[Logits, list[str] | None]:
        """Return scores and texts."""
        result = self._call(pixels=self._tensor(pixels))
        return result["logits"].numpy(), [text.decode() for text in result["texts"].numpy().tolist()]


class TfLite:
    """A TFLite file in the interpreter that comes with tensorflow, one picture at a time."""

    def __init__(self, path: Path) -> None:
        """Load the file."""
        import_tensorflow()
        import tensorflow as tf  # noqa: PLC0415 - late, and without keras

        with warnings.catch_warnings():
            # It announces its own end for the release before this one; the converter's format stays.
            warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated", UserWarning)
            self._interpreter = tf.lite.Interpreter(model_path=str(path))
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def read(self, pixels: Pixels) -> tuple[Logits, list[str] | None]:
        """Return scores; the file has no decoder."""
        return np.concatenate([self._one(pixels[row : row + 1]) for row in range(len(pixels))]), None

    def _one(self, pixels: Pixels) -> Logits:
        self._interpreter.set_tensor(self._input, pixels)
        self._interpreter.invoke()
        result: Logits = self._interpreter.get_tensor(self._output)
        return result


def open_format(name: Format, path: Path) -> Runtime:
    """Open an exported file or folder in its runtime.

    Raises:
        TrainerError: the runtime is not installed; says how to install it.
    """
    openers: dict[Format, Callable[[Path], Runtime]] = {"onnx": Onnx, "savedmodel": SavedModel, "tflite": TfLite}
    return openers[name](path)
