"""gRPC's health service, kept in step with the data plane: the whole service, and each model by its name.

Nobody needs a key for it, so that it holds little for each caller, and for no longer than that stays.
"""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from serving.answer import Recognizes
from serving.errors import OverloadedError
from serving.rpc.callers import greet, owner_of
from serving.rpc.places import Places
from serving.security.gate import Gate

PREDICT = "Predict"

WATCHERS = 256
SHARE = 64  # of one address: each connection of a client that looks for healthy servers watches once
LONGEST_NAME = 100  # characters; no model has a longer one

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
        gate: says from where calls are taken.
        seconds: between two looks.
    """

    def __init__(self, plane: Recognizes, gate: Gate, seconds: float = 1.0) -> None:
        self.servicer = Watched(gate)
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


class Watched(health.HealthServicer):
    """The servicer of grpc_health, with bounds: its own keeps every name that was ever watched, of any length.

    Args:
        gate: says from where calls are taken.
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate
        self._places = Places(WATCHERS, SHARE, "watchers")
        self._contexts: set[grpc.ServicerContext] = set()

    def Check(self, request: HealthCheckRequest, context: grpc.ServicerContext) -> HealthCheckResponse:  # noqa: N802 - the name is gRPC's
        """Return the status of a service."""
        greet(self._gate, context)
        return super().Check(request, context)

    def Watch(  # noqa: N802 - as above
        self,
        request: HealthCheckRequest,
        context: grpc.ServicerContext,
        send_response_callback: Any = None,  # noqa: ANN401 - gRPC's, for a method that holds no thread
    ) -> None:
        """Send the status of a service now and whenever it changes."""
        greet(self._gate, context)
        if len(request.service) > LONGEST_NAME:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a name has at most {LONGEST_NAME} characters")
        held = ExitStack()
        try:
            held.enter_context(self._places.take(owner_of(self._gate, context)))
        except OverloadedError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        with self._lock:
            self._contexts.add(context)

        def forget() -> None:
            with held, self._lock:
                self._contexts.discard(context)
                watching = self._send_response_callbacks.get(request.service, set())
                watching.discard(send_response_callback)
                if not watching:
                    self._send_response_callbacks.pop(request.service, None)

        super().Watch(request, context, send_response_callback)
        if not context.add_callback(forget):  # behind that of the base, which has been told nothing if it has ended
            forget()

    def end(self) -> None:
        """End all watches."""
        with self._lock:
            contexts = list(self._contexts)
        for context in contexts:
            context.cancel()  # type: ignore[no-untyped-call]  # the stub forgot to annotate it


def _status(*, serving: bool) -> HealthCheckResponse.ServingStatus:
    return HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
