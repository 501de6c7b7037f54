"""Where the time of a request goes, for whoever collects traces. The core knows this and no library for it."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Protocol

Attribute = str | int | float


class Trace(Protocol):
    """One request that is traced."""

    def stage(self, name: str, start: float, end: float, attributes: Mapping[str, Attribute]) -> None:
        """Note a part of its work.

        Args:
            name: of the part: decode, queue or run.
            start: on the clock of time.monotonic(), in seconds.
            end: likewise.
            attributes: what else is known.
        """

    def end(self, name: str, status: str, *, failed: bool) -> None:
        """Note its answer.

        Args:
            name: the rule of the route or the name of the method, never a path with a client's words in it.
            status: of the protocol.
            failed: whether that was the service's fault.
        """


class Tracer(Protocol):
    """Begins traces. Called from many threads."""

    def begin(self, protocol: str, carrier: Mapping[str, str]) -> Trace:
        """Begin the trace of a request.

        Args:
            protocol: http or grpc.
            carrier: its headers or metadata, which may say what trace of the client's it belongs to (W3C traceparent).
        """


_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)


def enter(trace: Trace | None) -> Trace | None:
    """Let this thread work on a request from now on, which may have a trace, and return that."""
    _trace.set(trace)
    return trace


def current() -> Trace | None:
    """Return the trace of the request that this thread works on."""
    return _trace.get()
