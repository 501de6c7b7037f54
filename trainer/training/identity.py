"""What a run is made of: the same for a run and for what may go on with its checkpoint."""

import importlib.metadata
import sys
from typing import Any

import cv2
import keras
import PIL
import tensorflow

from trainer.config import TrainConfig
from trainer.dataset.curriculum import curriculum_of
from trainer.dataset.pack import PackedSet
from trainer.training import checkpoint

# May change between the two parts of an interrupted run: they say when it ends, not what it computes.
FREE_KEYS = frozenset({"SavedSteps", "EndAcc", "EndCost", "EndEpochs", "MaxMinutes", "Patience", "TestBatchSize"})


def made_of(config: TrainConfig, packed: PackedSet, precision: str) -> dict[str, Any]:
    """Return what a run is made of, as JSON values.

    Args:
        config: resolved.
        packed: its pictures.
        precision: of the arithmetic.
    """
    trains = {key: value for key, value in config.Trains.model_dump().items() if key not in FREE_KEYS}
    trains.pop("Precision")
    backend = keras.config.backend()
    trained_by = {} if backend == "tensorflow" else {"backend": backend}
    drawn = _of_drawn_pictures(config) if packed.endless else {}
    return (
        trained_by
        | drawn
        | {
            "NeuralNet": config.NeuralNet.model_dump(),
            "Trains": trains,
            "Model": config.Model.model_dump(include={"CharSet", "CharExclude", "CharReplace", "CaseSensitive"}),
            "Pretreatment": config.Pretreatment.model_dump(),
            "input size": list(config.input_size),
            "seed": config.System.Seed,
            "deterministic": config.System.Deterministic,
            "pictures": packed.fingerprint,
            "precision": precision,
            "checkpoint": checkpoint.SCHEMA,
        }
    )


def notes(device: str) -> dict[str, Any]:
    """Return what else is worth knowing of a run: where it was trained, and by which versions."""
    others = {keras.config.backend()} - {"tensorflow"}
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", *others)}
    # These packages have other names on other machines, but for Pillow; the last two decide what the pixels are.
    versions |= {"tensorflow": tensorflow.__version__, "pillow": PIL.__version__, "opencv": cv2.__version__}
    return {"device": device, "python": sys.version.split()[0], "versions": versions}


def _of_drawn_pictures(config: TrainConfig) -> dict[str, int]:
    # The rest of Synthetic is in the fingerprint.
    curriculum = curriculum_of(config)
    return {"epoch": config.Synthetic.Epoch} | ({"curriculum": curriculum} if curriculum else {})
