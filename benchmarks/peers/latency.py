"""Prints how long the engine takes for one picture, in ms: the model alone, and with the decoding of the picture.

`python -m benchmarks.peers.latency MODEL.yaml PICTURE SECONDS LAYOUT`, in a process of its own, with the cores laid out
as the server has them (`Batching.Threads`).
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import engine
from contract import image
from serving.core_settings import LAYOUTS


def median_ms(action: Callable[[], object], seconds: float) -> float:
    """Return the median time of an action that is made again and again."""
    times = []
    until = time.perf_counter() + seconds
    while (started := time.perf_counter()) < until:
        action()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def main() -> None:
    """Measure both."""
    spec, picture, seconds = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), float(sys.argv[3])
    reader = engine.load(spec, spec.parents[1] / "graph" / "bench.pb", threads=LAYOUTS[sys.argv[4]])
    pixels = np.stack([image.to_pixels(picture, reader.spec.Pretreatment, reader.spec.input_size)])
    for _ in range(50):
        reader.read([picture])
    found = {
        "model": median_ms(lambda: reader.read_pixels(pixels), seconds / 2),
        "with_decoding": median_ms(lambda: reader.read([picture]), seconds / 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
