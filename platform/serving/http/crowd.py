"""Open connections by the address that they come from, so that one client cannot hold all of them."""

from collections.abc import Callable
from typing import Protocol

from serving.security.addresses import group_of, parse_address


class Connection(Protocol):
    """One of them: a channel of waitress."""

    last_activity: float

    def dispensable(self, now: float) -> bool:
        """Whether it may go when there are too many."""

    def close_soon(self) -> None:
        """Close it."""


class Crowd:
    """The connections of all listeners. In the loop's thread only.

    Args:
        bound: how many an address may hold at once; None for any number.
    """

    def __init__(self, bound: Callable[[str], int | None]) -> None:
        self._bound = bound
        self._connections: dict[str, set[Connection]] = {}

    def admits(self, address: str, now: float) -> bool:
        """Whether one more connection of an address is taken; closes one that it can do without to make room."""
        most = self._bound(address)
        own = self._connections.get(_group(address), set())
        if most is None or len(own) < most:
            return True
        dispensable = [connection for connection in own if connection.dispensable(now)]
        if dispensable:
            min(dispensable, key=lambda connection: connection.last_activity).close_soon()
        return bool(dispensable)

    def add(self, address: str, connection: Connection) -> None:
        """Count a connection."""
        self._connections.setdefault(_group(address), set()).add(connection)

    def drop(self, address: str, connection: Connection) -> None:
        """Count it no more."""
        group = _group(address)
        own = self._connections.get(group, set())
        own.discard(connection)
        if not own:
            self._connections.pop(group, None)


def _group(address: str) -> str:
    return group_of(parse_address(address))
