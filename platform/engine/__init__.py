"""One artifact, loaded in this process, reading pictures: `engine.load(spec_path).read([picture_bytes])`.

The only tensorflow of the platform, and no keras. Importing this package imports no tensorflow; loading a model does.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from contract.spec import ModelSpec
from engine.arithmetic import Compute
from engine.errors import DigestError, EngineError, GraphError
from engine.pauses import Pause, no_pause
from engine.quiet import import_tensorflow
from engine.reading import Reading, ReadsPixels
from engine.threads import LATENCY, SEQUENTIAL, THROUGHPUT, Threads

if TYPE_CHECKING:
    from engine.recognizer import Recognizer

__all__ = [
    "LATENCY",
    "SEQUENTIAL",
    "THROUGHPUT",
    "Compute",
    "DigestError",
    "EngineError",
    "GraphError",
    "Reading",
    "ReadsPixels",
    "Threads",
    "load",
    "open_model",
]


def load(
    spec_path: Path, graph_path: Path | None = None, *, threads: Threads = LATENCY, compute: Compute = "auto"
) -> "Recognizer":
    """Load an artifact from its model YAML; see `engine.recognizer.load`. Imports tensorflow (seconds)."""
    import_tensorflow()
    from engine.recognizer import load as load_recognizer  # noqa: PLC0415 - tensorflow is imported only when needed

    return load_recognizer(spec_path, graph_path, threads=threads, compute=compute)


def open_model(
    model: ModelSpec,
    graph: bytes,
    *,
    threads: Threads = LATENCY,
    compute: Compute = "auto",
    pause: Pause = no_pause,
) -> "Recognizer":
    """Open a model whose two files were read already; see `engine.recognizer.Recognizer`. Imports tensorflow."""
    import_tensorflow()
    from engine.recognizer import Recognizer  # noqa: PLC0415 - as above

    return Recognizer(model, graph, threads=threads, compute=compute, pause=pause)
