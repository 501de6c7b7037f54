"""The exported model in other formats, for other runtimes. Each comes through the same gate as the frozen graph.

All take contract pixels, not picture files: only the contract's own decoder and filters give the pixels that the
network was trained on. TensorFlow reads other formats of pictures, does not know the filters, and its bilinear resize
rounds otherwise than OpenCV's, so texts could differ from the platform's without anybody noticing.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import tensorflow as tf

from contract.charset import Charset
from contract.files import write_atomically
from trainer.export.emit import Emitter, Tensor
from trainer.export.gate import Gate
from trainer.export.onnx_graph import onnx_model
from trainer.export.proof import Exhibit
from trainer.export.runtimes import Format
from trainer.export.walk import walk
from trainer.run import Run


def prove_formats(model: keras.Model, graph: bytes, charset: Charset, gate: Gate, formats: Sequence[Format]) -> None:
    """Write a trained network in other formats into the gate's folder, and prove each in its own runtime.

    Args:
        model: in float32, with trained weights.
        graph: its frozen graph, in float32.
        charset: of the model.
        gate: proves them; the YAML `float32.yaml` of the frozen graph is in its folder.
        formats: which.

    Raises:
        TrainerError: a package is missing, or one of them does not read what the network reads.
    """
    for name in formats:
        path = gate.folder / name
        if name == "onnx":
            path.write_bytes(onnx_model(model))
        elif name == "tflite":
            path.write_bytes(tflite_model(model))
        else:
            write_saved_model(graph, charset, path)
        gate.prove_equal(Exhibit(f"the {name} form of the network", str(gate.folder / "float32.yaml"), str(path), name))


def drop_stale_formats(run: Run, network: str, fresh: Sequence[Format]) -> str:
    """Remove what an earlier network has in other formats, and return the sentence that tells it, if anything.

    Args:
        run: whose network it is.
        network: SHA-256 of its frozen graph in float32, as which all formats hold it.
        fresh: formats that it has just been written in.
    """
    known = run.formats_of.read_text("ascii") if run.formats_of.exists() else network
    if fresh:
        write_atomically(run.formats_of, network.encode())
    stale = [name for name in get_args(Format) if name not in fresh and run.in_format(name).exists()]
    if known == network or not stale:
        return ""
    try:
        for target in map(run.in_format, stale):
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink()
    except PermissionError as error:  # of Windows, while another program has it open
        return f"Of an earlier network and not to be used: {', '.join(stale)}, which could not be removed ({error})."
    return f"Removed, for they were of an earlier network: {', '.join(stale)}; --format makes them anew."


def publish_formats(folder: Path, run: Run, formats: Sequence[Format]) -> list[Path]:
    """Move what `prove_formats` left to its final names in the run folder, and return these."""
    targets = []
    for name in formats:
        target = run.in_format(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        (folder / name).replace(target)
        targets.append(target)
    return targets


def write_saved_model(graph: bytes, charset: Charset, path: Path) -> None:
    """Write a frozen graph as a SavedModel, for TensorFlow Serving and whatever else loads one.

    Its signature `serving_default` takes `pixels` uint8 [N, H, W, C] and returns `logits` float32 [N, T, K], `symbols`
    int64 [N, L] filled with -1, and `texts`, strings [N] in UTF-8.
    """
    definition = tf.compat.v1.GraphDef.FromString(graph)
    shape = next(node for node in definition.node if node.name == "input").attr["shape"].shape
    spec = tf.TensorSpec([None if dim.size == -1 else dim.size for dim in shape.dim], tf.uint8, "pixels")

    def read(pixels: Tensor) -> dict[str, Tensor]:
        logits, symbols = tf.import_graph_def(definition, {"input:0": pixels}, ["logits:0", "dense_decoded:0"], name="")
        table = tf.constant(["", *charset.symbols])  # -1 is nothing
        texts = tf.strings.reduce_join(tf.gather(table, symbols + 1), -1)
        return {"logits": logits, "symbols": symbols, "texts": texts}

    module = tf.Module()
    module.read = tf.function(read, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, str(path), {"serving_default": module.read})


def tflite_model(model: keras.Model) -> bytes:
    """Build the TFLite form of a network: `pixels` uint8 [1, H, W, C] to `logits` float32 [1, T, K]."""
    emitter = _Unrolled(model)
    spec = tf.TensorSpec([1, *model.input_shape[1:]], tf.uint8, "pixels")
    module = tf.Module()
    module.read = tf.function(lambda pixels: walk(model, emitter, pixels), input_signature=[spec], autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.read.get_concrete_function()], module)
    content: bytes = converter.convert()
    return content


class _Unrolled(Emitter):
    """The network without the kernels BlockLSTMV2 and GRUBlockCell, which TFLite does not know: step by step."""

    def _lstm(self, layer: keras.layers.LSTM, steps: Tensor) -> Tensor:
        kernel, recurrent, bias = map(tf.constant, self._recurrent_weights(layer))
        hidden = memory = tf.zeros([steps.shape[1], layer.units])
        outputs: list[Tensor] = []
        for inputs in tf.unstack(_product(steps, kernel, bias)):
            i, f, c, o = tf.split(inputs + tf.matmul(hidden, recurrent), 4, axis=-1)
            memory = tf.sigmoid(f) * memory + tf.sigmoid(i) * tf.tanh(c)
            hidden = tf.sigmoid(o) * tf.tanh(memory)
            outputs.append(hidden)
        return tf.stack(outputs)

    def _gru(self, layer: keras.layers.GRU, steps: Tensor) -> Tensor:
        kernel, recurrent, bias = self._recurrent_weights(layer)
        sizes = [2 * layer.units, layer.units]  # of both gates together, and of the candidate
        to_gates, to_candidate = map(tf.constant, np.split(recurrent, sizes[:1], axis=1))
        hidden = tf.zeros([steps.shape[1], layer.units])
        outputs: list[Tensor] = []
        for inputs in tf.unstack(_product(steps, tf.constant(kernel), tf.constant(bias))):
            gates, candidate = tf.split(inputs, sizes, axis=-1)
            z, r = tf.split(tf.sigmoid(gates + tf.matmul(hidden, to_gates)), 2, axis=-1)
            new = tf.tanh(candidate + tf.matmul(r * hidden, to_candidate))
            hidden = z * hidden + (1 - z) * new
            outputs.append(hidden)
        return tf.stack(outputs)


def _product(steps: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """[T, N, F] to [T, N, O], all steps in one product."""
    count, batch, features = steps.shape
    product = tf.matmul(tf.reshape(steps, [-1, features]), kernel) + bias
    return tf.reshape(product, [count, batch, kernel.shape[1]])
