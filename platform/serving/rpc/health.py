"""gRPC's health service, kept in step with the data plane: the whole service, and each model by its name."""

import threading
from collections.abc import Mapping

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from serving.answer import Recognizes

PREDICT = "Predict"

Statuses = Mapping[str, HealthCheckResponse.ServingStatus]


def statuses(plane: Recognizes) -> Statuses:
    """Return the status of each service name: "" and "Predict" for the whole, and the models' names."""
    whole = _status(serving=plane.ready())
    found = {health.OVERALL_HEALTH: whole, PREDICT: whole}
    for model in plane.models():
        if model.state == "active":
            found[model.name] = HealthCheckResponse.SERVING
        else:
            found.setdefault(model.name, HealthCheckResponse.NOT_SERVING)
    return found


class Health:
    """Publishes the statuses once a second, so that watchers hear of a change without asking.

    Args:
        plane: whose health it is.
        seconds: between two looks.
    """

    def __init__(self, plane: Recognizes, seconds: float = 1.0) -> None:
        self.servicer = health.HealthServicer()
        self._plane = plane
        self._seconds = seconds
        self._published: dict[str, HealthCheckResponse.ServingStatus] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="rpc-health", daemon=True)

    def start(self) -> None:
        """Publish now, and then again and again."""
        self._publish()
        self._thread.start()

    def stop(self) -> None:
        """Publish that nothing serves any more, and end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.servicer.enter_graceful_shutdown()

    def _keep(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._publish()

    def _publish(self) -> None:
        now = dict(statuses(self._plane))
        for name in self._published.keys() - now.keys():
            now[name] = HealthCheckResponse.SERVICE_UNKNOWN
        for name, status in now.items():
            if self._published.get(name) != status:
                self.servicer.set(name, status)
        self._published = now


def _status(*, serving: bool) -> HealthCheckResponse.ServingStatus:
    return HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
