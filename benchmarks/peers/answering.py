"""Our HTTP before a model that answers at once: `python -m benchmarks.peers.answering PORT`."""

import sys
import time
from collections.abc import Sequence

from serving.answer import Answer, ModelStatus, QueueStatus
from serving.http.facilities import Facilities
from serving.http.options import HttpOptions
from serving.http.server import HttpServer
from serving.metrics import Metrics
from serving.security.gate import Gate


class _Plane:
    def recognize(self, pictures: Sequence[bytes], *_hints: object, **_deadline: object) -> list[Answer]:
        return [Answer("1234", 0.9, (), "bench", "1.0")] * len(pictures)

    def models(self) -> list[ModelStatus]:
        return []

    def queues(self) -> list[QueueStatus]:
        return []

    def full(self, _more: int) -> bool:
        return False

    def ready(self) -> bool:
        return True

    def degraded(self) -> list[str]:
        return []

    def ambiguities(self) -> list[str]:
        return []


if __name__ == "__main__":
    metrics = Metrics()
    metrics.watch(_Plane())
    facilities = Facilities(Gate(), metrics, metrics)
    HttpServer(
        _Plane(), "127.0.0.1", [int(sys.argv[1])], None, HttpOptions(threads=224, connections=2500), facilities
    ).start()
    while True:
        time.sleep(60)
