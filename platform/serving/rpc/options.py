"""How the gRPC face behaves, where that can be chosen."""

from dataclasses import dataclass, field

from serving.certificate import Certificate
from serving.metering import Meter, NoMeter
from serving.security.gate import Gate
from serving.tracing import Tracer


@dataclass(frozen=True)
class RpcOptions:
    """Choices for the gRPC face.

    Attributes:
        calls: how many there may be at once; streams may be half of them, those of one key or address a quarter.
        connections: open at once.
        legacy_ok: answer errors as messages with status OK, as captcha_platform did.
        reflection: tell clients which methods there are.
        gate: lets callers in.
        meter: counts calls.
        certificate: to encrypt with; None sends in the clear.
        tracer: begins traces; None for none.
    """

    calls: int = 64
    connections: int = 500
    legacy_ok: bool = False
    reflection: bool = True
    gate: Gate = field(default_factory=Gate)
    meter: Meter = field(default_factory=NoMeter)
    certificate: Certificate | None = None
    tracer: Tracer | None = None
