"""How a session is called: only with pixels that fit, and by many threads at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import engine
from engine import EngineError, Threads
from tests.conftest import Artifact


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 15, 48, 1), np.uint8),
        np.zeros((1, 48, 16, 1), np.uint8),
        np.zeros((16, 48, 1), np.uint8),
        np.zeros((1, 16, 48, 3), np.uint8),
        np.zeros((1, 16, 48, 1), np.float32),
    ],
)
def test_pixels_that_do_not_fit_are_refused_before_they_reach_the_graph(
    artifact: Artifact, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> None:
    recognizer = engine.open_model(artifact.spec, artifact.graph)
    with pytest.raises(EngineError, match=r"small_1\.0\.pb: it reads uint8 pictures .*16, 48, 1.*these are "):
        recognizer.read_pixels(pixels)


@pytest.mark.parametrize("threads", [engine.LATENCY, engine.SEQUENTIAL, engine.THROUGHPUT])
def test_many_callers_at_once_get_what_one_gets(artifact: Artifact, threads: Threads) -> None:
    recognizer = engine.open_model(artifact.spec, artifact.graph, threads=threads)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 48, 1), np.uint8)
    alone = [recognizer.logits(pixels[row : row + 1]) for row in range(len(pixels))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda row: recognizer.logits(pixels[row : row + 1]), range(len(pixels))))
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=1e-5)
