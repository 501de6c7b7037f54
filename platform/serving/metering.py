"""What the service tells about its work, whoever counts it. The core knows this and no metrics library."""

from collections.abc import Sequence
from typing import Protocol


class Meter(Protocol):
    """Takes notes. Called from many threads, and must be quick."""

    def request(self, protocol: str, route: str, status: str, seconds: float) -> None:
        """Note a request that was answered.

        Args:
            protocol: http or grpc.
            route: the rule of the route or the name of the method, never a path with a client's words in it.
            status: of the protocol.
            seconds: from its arrival in the application to its answer.
        """

    def turned_away(self, protocol: str) -> None:
        """Note a request that was refused before any route saw it, since too many were in work."""

    def batch(self, model: str, version: str, waits: Sequence[float], seconds: float) -> None:
        """Note a run of a graph.

        Args:
            model: that ran.
            version: of it.
            waits: how long each picture had been in the queue, in seconds.
            seconds: of the run.
        """

    def state(self, model: str, version: str, state: str) -> None:
        """Note that a version has entered a state."""

    def forget(self, model: str, version: str) -> None:
        """Note that nothing is left of a version."""


class NoMeter:
    """Takes no notes."""

    def request(self, protocol: str, route: str, status: str, seconds: float) -> None:
        """Do nothing; likewise the others."""

    def turned_away(self, protocol: str) -> None:
        """Do nothing."""

    def batch(self, model: str, version: str, waits: Sequence[float], seconds: float) -> None:
        """Do nothing."""

    def state(self, model: str, version: str, state: str) -> None:
        """Do nothing."""

    def forget(self, model: str, version: str) -> None:
        """Do nothing."""
