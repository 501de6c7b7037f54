"""gRPC's health, kept in step with the data plane: of the whole service, and of each model by its name."""

import logging
import threading
from collections.abc import Mapping

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from serving.answer import Recognizes
from serving.rpc.watching import Status, Watching
from serving.security.gate import Gate

PREDICT = "Predict"

STOP_SECONDS = 5.0  # for watchers that take nothing to be ended

Statuses = Mapping[str, Status]

_log = logging.getLogger(__name__)


def statuses(plane: Recognizes, *, was_ready: bool = False) -> Statuses:
    """Return the status of each service name: "" and "Predict" for the whole, and the models' names.

    Args:
        plane: whose health it is.
        was_ready: whether it has been ready before. If it is not any more, it has no model or is about to end, and no
            model serves. At the start one may serve while others are yet to come.
    """
    ready = plane.ready()
    whole = _status(serving=ready)
    found = {health.OVERALL_HEALTH: whole, PREDICT: whole}
    for model in plane.models():
        if model.state == "active":
            found[model.name] = _status(serving=ready or not was_ready)
        else:
            found.setdefault(model.name, HealthCheckResponse.NOT_SERVING)
    return found


class Health:
    """Publishes the statuses once a second, so that watchers hear of a change without asking.

    Args:
        plane: whose health it is.
        gate: says from where calls are taken.
        seconds: between two looks.
    """

    def __init__(self, plane: Recognizes, gate: Gate, seconds: float = 1.0) -> None:
        self.servicer = Watching(gate)
        self._plane = plane
        self._seconds = seconds
        self._was_ready = False
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
            self._thread.join(STOP_SECONDS)
        else:
            self.servicer.retire()

    def _keep(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._publish()
        self.servicer.retire()

    def _publish(self) -> None:
        try:
            found = statuses(self._plane, was_ready=self._was_ready)
            self._was_ready = self._was_ready or found[health.OVERALL_HEALTH] == HealthCheckResponse.SERVING
            self.servicer.publish(found)
        except Exception:  # noqa: BLE001 - watchers and load balancers would take the last status for that of today
            _log.exception("the health could not be published; it will be tried again")


def _status(*, serving: bool) -> Status:
    return int(HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING)
