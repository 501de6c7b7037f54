"""A model that needs no tensorflow: its graph is JSON, and it reads the gray of a picture."""

import json
import threading
import time
from collections.abc import Sequence

from contract.files import sha256
from contract.pixels import Pixels
from contract.spec import ModelSpec
from engine import LATENCY, Threads
from engine.errors import GraphError
from engine.pauses import Pause, no_pause
from engine.reading import Reading


class FakeReader:
    """Reads a picture of gray 7 as "word-7". Knows whether it was used after it was closed."""

    read_in_spare_time = None

    def __init__(self, engine: "FakeEngine", spec: ModelSpec, orders: dict) -> None:
        self.spec = spec
        self.word = orders["word"]
        self.delay = orders.get("delay", 0.0)
        self.orders = orders
        self.batches: list[int] = []
        self.closed = False
        self.running = 0
        self._engine = engine

    def read_pixels(self, pixels: Pixels) -> Sequence[Reading]:
        width, height = self.spec.input_size
        assert pixels.shape[1:] == (height, width, self.spec.Pretreatment.ImageChannel)
        if self.closed:
            self._engine.abuses.append(f"{self.word} was read after it was closed")
        self.running += 1
        self.batches.append(len(pixels))
        grays = [int(gray) for gray in pixels[:, 0, 0, 0]]
        try:
            if self.orders.get("gate"):
                assert self._engine.gate.wait(20)
            if self.delay:
                time.sleep(self.delay)
            if self.orders.get("chokes_on") in grays:
                raise RuntimeError("choked")
            return [Reading(f"{self.word}-{gray}", 0.5) for gray in grays]
        finally:
            self.running -= 1

    def close(self) -> None:
        if self.running or self.closed:
            self._engine.abuses.append(f"{self.word} was closed while it ran, or twice")
        self.closed = True


class FakeEngine:
    """Stands in for `engine.open_model`.

    Attributes:
        loads: the words of the graphs that were opened, in order.
        tries: the same, with whether the graph can never work.
        readers: those that came of it.
        abuses: what must never happen.
        gate: holds back runs of models whose graph says so.
        troubles: how many of the next loads fail for reasons that pass.
        threads: that the last model was opened with.
    """

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.tries: list[tuple[str, bool]] = []
        self.readers: list[FakeReader] = []
        self.abuses: list[str] = []
        self.gate = threading.Event()
        self.troubles = 0
        self.threads = LATENCY

    def __call__(
        self, spec: ModelSpec, graph: bytes, /, *, threads: Threads = LATENCY, pause: Pause = no_pause
    ) -> FakeReader:
        assert sha256(graph) == spec.Graph.SHA256
        self.threads = threads
        pause()
        orders = json.loads(graph)
        self.loads.append(orders["word"])
        self.tries.append((orders["word"], bool(orders.get("bad"))))
        if orders.get("bad"):
            raise GraphError("the graph holds an op that is not allowed")
        if self.troubles:
            self.troubles -= 1
            raise MemoryError("not now")
        reader = FakeReader(self, spec, orders)
        self.readers.append(reader)
        return reader

    def reader(self, word: str) -> FakeReader:
        return next(reader for reader in reversed(self.readers) if reader.word == word)
