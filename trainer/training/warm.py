"""Warm start: a new network takes over what fits from a trained one, each symbol with its own weights."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contract import spec
from contract.errors import ConfigError
from contract.files import sha256
from trainer.errors import UsageError
from trainer.training.checkpoint import load_arrays

Weights = Mapping[str, npt.NDArray[Any]]

SYMBOLS = "symbols"  # beside the weights in best.npz: what the classes from 1 on stand for
OUTPUT = "logits"
SOME = 256  # pictures show well enough how a layer's values spread, see `Learner.start_from`


@dataclass(frozen=True)
class Donor:
    """A trained network to start from.

    Attributes:
        source: where it was found.
        weights: by the names of `trainer.network.naming`; none yet while they are in `graph`.
        symbols: of its classes 1..K-1.
        graph: an exported .pb to take the weights out of, by `trainer.training.graph_donor`; None for a run.
    """

    source: Path
    weights: Weights
    symbols: tuple[str, ...]
    graph: bytes | None = None


@dataclass(frozen=True)
class Taken:
    """What a warm start took over.

    Attributes:
        kept, added, dropped: symbols that both have, that are new, and that are gone.
        layers: how many layers were taken over.
        fresh: layers that did not fit and start from random weights.
    """

    kept: int
    added: int
    dropped: int
    layers: int
    fresh: tuple[str, ...]

    def __str__(self) -> str:
        """Return the sentence that tells it."""
        fresh = f"; starting fresh, because they do not fit: {', '.join(self.fresh)}" if self.fresh else ""
        symbols = f"kept {self.kept} symbols, added {self.added}, dropped {self.dropped}"
        return f"{symbols}; took over {self.layers} of {self.layers + len(self.fresh)} layers{fresh}"


def find(path: Path) -> Donor:
    """Load a donor.

    Args:
        path: a run's folder, its best.npz, or an exported .pb. Where the run of a .pb is still beside it and has not
            gone on since, its weights are taken, for they are more exact; else those in the graph, and the symbols of
            the YAML beside it.

    Raises:
        UsageError: no weights are there.
    """
    places = [path] if path.suffix == ".pb" else [path, path / "best.npz", path / "run" / "best.npz"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = ", ".join(place.as_posix() for place in places)
        raise UsageError(
            f"--warm-start {path}: no weights there (looked for {looked}); give the folder of a run, or an exported .pb"
        )
    if found.suffix == ".pb":
        beside = found.parent.parent / "run" / "best.npz"
        return _in_run(beside) if _is_exported_from(found, beside) else _in_graph(found)
    return _in_run(found)


def _is_exported_from(graph: Path, weights: Path) -> bool:
    return weights.is_file() and weights.stat().st_mtime_ns <= graph.stat().st_mtime_ns


def _in_run(found: Path) -> Donor:
    try:
        arrays = load_arrays(found)
        symbols = symbols_of(arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"--warm-start {found}: no weights of this trainer: {error}") from error
    return Donor(found, {name: array for name, array in arrays.items() if name != SYMBOLS}, symbols)


def _in_graph(path: Path) -> Donor:
    places = [path.with_suffix(".yaml"), path.parent.parent / "model" / f"{path.stem}.yaml"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = ", ".join(place.as_posix() for place in places)
        raise UsageError(
            f"--warm-start {path}: its YAML, which says what its classes stand for, is missing (looked for {looked})"
        )
    try:
        described = spec.read(found)
    except ConfigError as error:
        raise UsageError(f"--warm-start {path}: not described by a YAML of this trainer: {error}") from error
    graph = path.read_bytes()
    if sha256(graph) != described.Graph.SHA256:
        raise UsageError(f"--warm-start {path}: it is not the graph that {found} describes (Graph.SHA256 differs)")
    return Donor(path, {}, described.Model.charset.symbols, graph)


def with_symbols(weights: Weights, symbols: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return weights with the symbols of their classes beside them, as `find` reads them."""
    return {**weights, SYMBOLS: np.frombuffer(json.dumps(list(symbols)).encode(), np.uint8)}


def symbols_of(weights: Weights) -> tuple[str, ...]:
    """Return the symbols that `with_symbols` put beside weights; raises KeyError where there are none."""
    return tuple(json.loads(weights[SYMBOLS].tobytes()))


def align(fresh: Weights, symbols: Sequence[str], donor: Donor) -> tuple[dict[str, npt.NDArray[Any]], Taken]:
    """Take over what fits, layer by layer. Pure.

    Args:
        fresh: weights of the new network, by name.
        symbols: of its classes 1..K-1.
        donor: whose weights are taken where a layer has the same shapes. In the last layer only the number of features
            must agree: each symbol takes its own weights along, and a new one begins no likelier than the least likely.

    Returns:
        The weights to start with, and what was taken.
    """
    result = dict(fresh)
    layers: dict[str, list[str]] = {}
    for name in fresh:
        layers.setdefault(name.split("/")[0], []).append(name)
    missing = []
    for layer, names in layers.items():
        if layer == OUTPUT and _output_fits(fresh, donor):
            result.update(_output(fresh, symbols, donor))
        elif all(name in donor.weights and donor.weights[name].shape == fresh[name].shape for name in names):
            result.update({name: donor.weights[name] for name in names})
        else:
            missing.append(layer)
    kept = len(set(symbols) & set(donor.symbols)) if OUTPUT not in missing else 0
    taken = Taken(kept, len(symbols) - kept, len(donor.symbols) - kept, len(layers) - len(missing), tuple(missing))
    return result, taken


def _output_fits(fresh: Weights, donor: Donor) -> bool:
    name = f"{OUTPUT}/kernel"
    there = name in donor.weights and f"{OUTPUT}/bias" in donor.weights
    return there and donor.weights[name].shape[:-1] == fresh[name].shape[:-1]


def _output(fresh: Weights, symbols: Sequence[str], donor: Donor) -> dict[str, npt.NDArray[Any]]:
    """Return kernel [..., K] and bias [..., K] with the columns of the symbols that both networks know.

    Class 0, the blank or the padding, is no symbol and stays what it is.
    """
    kernel, bias = fresh[f"{OUTPUT}/kernel"].copy(), fresh[f"{OUTPUT}/bias"].copy()
    old_kernel, old_bias = donor.weights[f"{OUTPUT}/kernel"], donor.weights[f"{OUTPUT}/bias"]
    place = {symbol: index for index, symbol in enumerate(donor.symbols, start=1)}
    bias[:] = old_bias.min()
    for index, symbol in enumerate(["", *symbols]):
        old = place.get(symbol) if index else 0
        if old is not None:
            kernel[..., index], bias[..., index] = old_kernel[..., old], old_bias[..., old]
    return {f"{OUTPUT}/kernel": kernel, f"{OUTPUT}/bias": bias}
