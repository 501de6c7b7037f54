"""Our HTTP, set up as the service has it, before a model that answers at once.

`python -m benchmarks.peers.answering PORT [KEY=VALUE ...]`, with settings of the platform.
"""

import sys
import time
from collections.abc import Sequence

from serving import open_files, settings
from serving.answer import Answer, ModelStatus, QueueStatus
from serving.cli.serve import SWITCH_SECONDS
from serving.faces import http_options, request_limits
from serving.http.facilities import Facilities
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


def main() -> None:
    """Answer until this process is ended."""
    port, *words = sys.argv[1:]
    chosen = settings.load(None, {}, [(key, value) for key, _, value in (word.partition("=") for word in words)])
    plane, metrics = _Plane(), Metrics()
    metrics.watch(plane)
    facilities = Facilities(Gate(chosen.Security), metrics, metrics)
    sys.setswitchinterval(SWITCH_SECONDS)
    open_files.allow(2 * chosen.Http.Connections + open_files.SPARE)
    HttpServer(plane, "127.0.0.1", [int(port)], request_limits(chosen), http_options(chosen), facilities).start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
