"""The export tried out before training: a graph that cannot be exported or reloaded costs seconds then, not the run."""

import tempfile
from pathlib import Path

import keras
import numpy as np

import engine
from contract import decode
from contract import spec as specs
from contract.spec import ModelSpec
from trainer.config import TrainConfig
from trainer.dataset.records import Examples
from trainer.errors import TrainerError
from trainer.export.graph import inference_graph, section

TOLERANCE = 1e-2  # of a score; the export's proof later compares texts of the whole test set


def rehearse(model: keras.Model, config: TrainConfig, test: Examples, count: int) -> list[str]:
    """Export a network, reload the files and read test pictures from their bytes on, as the platform does.

    Args:
        model: in float32, trained or not.
        config: of the training.
        test: the test set.
        count: how many of its pictures to read.

    Returns:
        What the reloaded graph reads.

    Raises:
        TrainerError: it does not give the scores that the network gives, or cannot be exported.
        EngineError: it cannot be reloaded.
    """
    graph = inference_graph(model)
    stem = f"{config.Model.ModelName}_{config.Model.Version}"
    described = section(graph, f"{stem}.pb", config.NeuralNet)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem}.yaml"
        (Path(folder) / described.File).write_bytes(graph)
        specs.write(ModelSpec(Model=config.Model, Pretreatment=config.Pretreatment, Graph=described), path)
        recognizer = engine.load(path)
    pixels = np.stack([recognizer.prepare(content) for content in test.encoded[:count]])
    scores = recognizer.logits(pixels)
    recognizer.close()
    if not np.array_equal(pixels, test.pixels[:count]):
        raise TrainerError("reading test pictures anew gives other pixels than were packed: pack the set again")
    expected = np.asarray(model.predict_on_batch(test.pixels[:count]))
    difference = float(np.abs(scores - expected).max())
    if difference > TOLERANCE:
        raise TrainerError(
            f"the exported graph is not the network: a score differs by {difference:.2g} on {count} pictures"
        )
    return [item.text for item in decode.read(scores, config.charset, config.NeuralNet.head)]
