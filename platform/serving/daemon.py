"""The running service: puts the parts together, starts them, and takes them down again without losing a request."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from serving.core_settings import OperationSection
from serving.dataplane import DataPlane
from serving.lifecycle import Lifecycle
from serving.loading import LoadModel, TryModel
from serving.metering import Meter
from serving.pool import Pool
from serving.settings import Settings


class Transport(Protocol):
    """A server in front of the data plane."""

    def start(self) -> None:
        """Listen; raises OSError with a sentence when that cannot be."""

    def stop_accepting(self) -> None:
        """Take no new connections."""

    def stop(self, grace: float) -> None:
        """Finish what was accepted, for at most so many seconds, then close."""


def assemble(
    settings: Settings,
    load_model: LoadModel,
    clock: Callable[[], float] = time.monotonic,
    meter: Meter | None = None,
    try_model: TryModel | None = None,
) -> tuple[DataPlane, Lifecycle]:
    """Return the data plane and the loader that feeds it; nothing runs yet.

    Args:
        settings: of the service.
        load_model: opens a model.
        clock: of the loader, in seconds.
        meter: is told of states and runs.
        try_model: tries each version before it is loaded.
    """
    pool = Pool(settings.Models)
    lifecycle = Lifecycle(settings, load_model, pool, clock, meter, try_model)
    return DataPlane(pool, lifecycle, settings.Limits), lifecycle


class Daemon:
    """The service.

    Args:
        operation: how to stop.
        plane: answers requests.
        lifecycle: loads models.
        transports: servers in front of the data plane.
    """

    def __init__(
        self, operation: OperationSection, plane: DataPlane, lifecycle: Lifecycle, transports: Sequence[Transport]
    ) -> None:
        self._operation = operation
        self._plane = plane
        self._lifecycle = lifecycle
        self._transports = transports

    def start(self) -> None:
        """Listen, then begin to load models.

        Raises:
            OSError: an address cannot be listened on; nothing is left running then.
        """
        started: list[Transport] = []
        try:
            for transport in self._transports:
                transport.start()
                started.append(transport)
        except OSError:
            for transport in started:
                transport.stop(0)
            raise
        self._lifecycle.start()

    def rescan(self) -> None:
        """Look at the folders soon."""
        self._lifecycle.wake()

    def stop(self) -> None:
        """Be ready no more, finish what was accepted, close everything."""
        self._plane.drain()
        time.sleep(self._operation.DrainDelaySeconds)
        until = time.monotonic() + self._operation.DrainSeconds
        for transport in self._transports:
            transport.stop_accepting()
        for transport in self._transports:
            transport.stop(max(0.0, until - time.monotonic()))
        self._lifecycle.stop(max(1.0, until - time.monotonic()))
