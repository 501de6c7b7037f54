"""What the routes are given beside the data plane."""

from dataclasses import dataclass, field
from typing import Protocol

from serving.certificate import Certificate
from serving.metering import Meter, NoMeter
from serving.security.gate import Gate
from serving.tracing import Tracer


class Administers(Protocol):
    """Changes what is loaded; each change is only asked for here, and made by the loader soon after."""

    def load(self, name: str) -> None:
        """Serve a model again that was unloaded; raises UnknownModelError."""

    def unload(self, name: str) -> None:
        """Serve a model no more, whatever is in the folders; raises UnknownModelError."""

    def pin(self, name: str, version: str) -> None:
        """Serve this version and no other; raises UnknownModelError."""

    def unpin(self, name: str) -> None:
        """Serve the highest version again; raises UnknownModelError."""

    def rollback(self, name: str) -> str:
        """Pin the next lower version that can serve, and return it; raises UnknownModelError."""


class Exposes(Protocol):
    """Gives the metrics as Prometheus reads them."""

    content_type: str

    def text(self) -> bytes:
        """Return them."""


@dataclass(frozen=True)
class Facilities:
    """What the routes are given beside the data plane.

    Attributes:
        gate: lets callers in.
        meter: counts requests.
        metrics: of `/metrics`; None for no such route.
        admin: of the admin routes; None for no such routes.
        certificate: to encrypt with; None sends in the clear.
        tracer: begins traces; None for none.
    """

    gate: Gate = field(default_factory=Gate)
    meter: Meter = field(default_factory=NoMeter)
    metrics: Exposes | None = None
    admin: Administers | None = None
    certificate: Certificate | None = None
    tracer: Tracer | None = None
