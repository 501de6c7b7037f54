"""The servicer of gRPC's health service.

That of grpc_health sends to watchers under the lock that their end needs, which can stop all of gRPC (grpc/grpc#43403),
and keeps every name that was ever watched. Nobody needs a key here, so that this one holds little for each caller, and
for no longer than that stays.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from serving.errors import OverloadedError
from serving.rpc.callers import address_of, greet, owner_of
from serving.rpc.places import Places
from serving.security.addresses import loopback
from serving.security.gate import Gate

WATCHERS = 256
SHARE = 64  # of one address beyond this machine: a client that looks for healthy servers watches on each connection
LONGEST_NAME = 100  # characters; no model has a longer one
SEND_SECONDS = 1.0  # a watcher that takes no message for so long is ended, since it holds up the next

Status = int  # of the enumeration HealthCheckResponse.ServingStatus


class Watching(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # it has no type annotations
    """Tells the statuses of services, once or whenever they change.

    Args:
        gate: says from where calls are taken.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._places = Places(WATCHERS, SHARE, "watchers")
        self._lock = threading.Lock()  # never held while anything is sent
        self._statuses: Mapping[str, Status] = {}
        self._watchers: dict[grpc.ServicerContext, _Watcher] = {}

    def publish(self, statuses: Mapping[str, Status]) -> None:
        """Take in the statuses of all services that there are, and tell the watchers what is new."""
        with self._lock:
            self._statuses = dict(statuses)
            watchers = list(self._watchers.values())
        for watcher in watchers:
            watcher.tell(self._status_of)

    def retire(self) -> None:
        """Tell that none of the services serves any more."""
        with self._lock:
            known = list(self._statuses)
        self.publish(dict.fromkeys(known, int(HealthCheckResponse.NOT_SERVING)))

    def Check(self, request: HealthCheckRequest, context: grpc.ServicerContext) -> HealthCheckResponse:  # noqa: N802 - gRPC's name
        """Return the status of a service."""
        greet(self._gate, context)
        with self._lock:
            status = self._statuses.get(request.service)
        if status is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return HealthCheckResponse(status=status)

    def Watch(  # noqa: N802 - as above
        self,
        request: HealthCheckRequest,
        context: grpc.ServicerContext,
        send_response_callback: Callable[[HealthCheckResponse], Any],
    ) -> None:
        """Send the status of a service now and whenever it changes; holds no thread."""
        greet(self._gate, context)
        if len(request.service) > LONGEST_NAME:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a name has at most {LONGEST_NAME} characters")
        held = ExitStack()
        try:
            held.enter_context(self._places.take(self._owner(context)))
        except OverloadedError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        watcher = _Watcher(request.service, context, send_response_callback)
        with self._lock:
            self._watchers[context] = watcher

        def forget() -> None:  # on the thread that all of gRPC needs
            with held, self._lock:
                self._watchers.pop(context, None)

        if context.add_callback(forget):
            watcher.tell(self._status_of)
        else:
            forget()

    Watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # what gRPC reads from such a method

    def end(self) -> None:
        """End all watches."""
        with self._lock:
            contexts = list(self._watchers)
        for context in contexts:
            context.cancel()  # type: ignore[no-untyped-call]  # the stub forgot to annotate it

    def _status_of(self, service: str) -> Status:
        with self._lock:
            return self._statuses.get(service, int(HealthCheckResponse.SERVICE_UNKNOWN))

    def _owner(self, context: grpc.ServicerContext) -> str:
        peer = address_of(context.peer())
        alone = loopback(peer) or self._gate.trusts(peer)  # as HTTP has it for connections
        return f"{id(context)}" if alone else owner_of(self._gate, context)


class _Watcher:
    def __init__(self, service: str, context: grpc.ServicerContext, send: Callable[[HealthCheckResponse], Any]) -> None:
        self._service = service
        self._context = context
        self._send = send
        self._lock = threading.Lock()
        self._told: Status | None = None

    def tell(self, status_of: Callable[[str], Status]) -> None:
        """Send the status of this moment if it is another than the last that was sent."""
        with self._lock:
            status = status_of(self._service)
            if status != self._told:
                self._told = status
                with _at_most(SEND_SECONDS, self._context):
                    self._send(HealthCheckResponse(status=status))


@contextmanager
def _at_most(seconds: float, context: grpc.ServicerContext) -> Iterator[None]:
    """End a call whose client does not take in time what is sent to it."""
    timer = threading.Timer(seconds, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
