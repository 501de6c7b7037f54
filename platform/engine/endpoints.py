"""Holds what comes out of a graph against its YAML: as tensorflow foretells it, and as it comes out."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from contract.layout import LAYOUTS, Layout
from contract.spec import ModelSpec
from engine.errors import EngineError, GraphError


def check_scores(tensor: tf.Tensor, spec: ModelSpec) -> None:
    """Raise GraphError unless the scores can be float32 [N, T, K], or [T, N, K] in layouts of captcha_trainer."""
    file, shape = spec.Graph.File, tensor.shape
    layout = LAYOUTS[spec.Graph.Layout]
    _check(tensor, spec.Graph.Logits, tf.float32, axes=3, pictures=_pictures(layout), file=file)
    if shape.rank is None:
        return
    wanted = layout.classes(spec.charset)
    if shape[-1] not in {None, wanted}:
        raise GraphError(
            f"{file}: the graph tells {shape[-1]} classes apart, but the character set of the "
            f"YAML has {wanted} (its symbols and the blank)"
        )
    positions = spec.Graph.MaxLabelNum
    if positions is not None and shape[1] not in {None, positions}:
        raise GraphError(
            f"{file}: the graph reads {shape[1]} positions, but Graph.MaxLabelNum of the YAML is {positions}"
        )


def check_decoded(tensor: tf.Tensor, spec: ModelSpec) -> None:
    """Raise GraphError unless the graph's own reading can be int64 [N, L]."""
    _check(tensor, spec.Graph.Decoded, tf.int64, axes=2, pictures=0, file=spec.Graph.File)


def check_outputs(outputs: Sequence[Any], count: int, spec: ModelSpec, *, scored: bool) -> None:
    """Hold what came out for pictures against what should: many shapes are known only then.

    Args:
        outputs: arrays; the scores first if there are any.
        count: pictures that went in.
        spec: of the model.
        scored: whether the first output is scores.

    Raises:
        EngineError: the numbers of axes, pictures or classes are others.
    """
    layout = LAYOUTS[spec.Graph.Layout]
    wanted: list[tuple[int | None, ...]] = [(count, None)] * len(outputs)
    if scored:
        classes = layout.classes(spec.charset)
        wanted[0] = (count, None, classes) if layout.scores == "NTK" else (None, count, classes)
    for output, shape in zip(outputs, wanted, strict=True):
        found = output.shape
        fits = len(found) == len(shape) and all(size in {None, is_} for size, is_ in zip(shape, found, strict=True))
        if not fits:
            meant = ["any" if size is None else size for size in shape]
            raise EngineError(f"{spec.Graph.File}: it gave {list(found)} for {count} pictures instead of {meant}")


def _pictures(layout: Layout) -> int:
    return (layout.scores or "NTK").index("N")


def _check(tensor: tf.Tensor, name: str, dtype: tf.DType, *, axes: int, pictures: int, file: str) -> None:
    shape = tensor.shape
    if tensor.dtype != dtype:
        raise GraphError(f"{file}: {name} is of type {tensor.dtype.name} instead of {dtype.name}")
    if shape.rank not in {None, axes}:
        raise GraphError(f"{file}: {name} has {shape.rank} axes instead of {axes}")
    if shape.rank is not None and shape[pictures] is not None:
        raise GraphError(f"{file}: {name} is for a batch of {shape[pictures]}, not for any number of pictures")
