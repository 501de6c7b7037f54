"""Builds both transports from the settings. Imports Flask and gRPC, so commands import it late."""

from dataclasses import dataclass

from contract.errors import ConfigError
from serving.administration import Administration
from serving.certificate import Certificate
from serving.daemon import Transport
from serving.dataplane import DataPlane
from serving.face_settings import TracesSection
from serving.http.facilities import Facilities
from serving.http.options import HttpOptions
from serving.http.server import HttpServer
from serving.lifecycle import Lifecycle
from serving.metrics import Metrics
from serving.pictures import RequestLimits
from serving.rpc.options import RpcOptions
from serving.rpc.server import RpcServer
from serving.security.gate import Gate
from serving.settings import Settings
from serving.tracing import Tracer

_SPARE_CALLS = 64  # that one flooded model leaves to the others, at each transport


@dataclass(frozen=True)
class Faces:
    """The servers in front of the data plane.

    Attributes:
        http: always there.
        rpc: None if it is off.
        host: that they listen on.
        encrypted: whether they use TLS.
    """

    http: HttpServer
    rpc: RpcServer | None
    host: str
    encrypted: bool

    @property
    def transports(self) -> list[Transport]:
        """All of them."""
        return [self.http, self.rpc] if self.rpc else [self.http]

    @property
    def addresses(self) -> list[str]:
        """Where they listen, once they do."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        end = "s" if self.encrypted else ""
        web = [f"http{end}://{host}:{port}" for port in self.http.ports]
        return [*web, *([f"grpc{end}://{host}:{self.rpc.port}"] if self.rpc else [])]


def build(settings: Settings, plane: DataPlane, lifecycle: Lifecycle, metrics: Metrics) -> Faces:
    """Return the transports; nothing listens yet.

    Raises:
        ConfigError: the key file or the certificate cannot be used.
    """
    listen, tls = settings.Listen, settings.Tls
    certificate = None
    if tls.Certificate and tls.PrivateKey:
        certificate = Certificate.read(tls.Certificate, tls.PrivateKey)
    gate = Gate(settings.Security)
    metrics.watch(plane)
    tracer = tracer_for(settings.Traces)
    facilities = Facilities(gate, metrics, metrics, Administration(lifecycle), certificate, tracer)
    limits = request_limits(settings)
    http = HttpServer(plane, listen.Host, listen.Ports, limits, http_options(settings), facilities)
    rpc = None
    if listen.GrpcPort != "off":
        grpc = settings.Grpc
        options = RpcOptions(
            calls=_calls(settings) if grpc.Calls == "auto" else grpc.Calls,
            connections=settings.Http.Connections,
            legacy_ok=grpc.LegacyOk,
            reflection=grpc.Reflection,
            gate=gate,
            meter=metrics,
            certificate=certificate,
            tracer=tracer,
        )
        rpc = RpcServer(plane, listen.Host, listen.GrpcPort, limits, options)
    return Faces(http, rpc, listen.Host, certificate is not None)


def tracer_for(traces: TracesSection) -> Tracer | None:
    """Return what begins traces, if they are wanted.

    Raises:
        ConfigError: the extra for it is not installed.
    """
    if traces.Endpoint is None:
        return None
    try:
        from serving.telemetry import OpenTelemetry  # noqa: PLC0415 - only for this, and it may not be there
    except ImportError as error:
        raise ConfigError("Traces.Endpoint", ['traces need: pip install "captcha-foundry[otel]"']) from error
    return OpenTelemetry.to(traces.Endpoint, traces.Share)


def request_limits(settings: Settings) -> RequestLimits:
    """Return what one request may cost."""
    return RequestLimits(
        max_body_bytes=settings.Limits.RequestBytes,
        max_pictures=settings.Limits.PicturesPerRequest,
        max_picture_bytes=settings.Limits.PictureBytes,
        max_seconds=settings.Limits.RequestSeconds,
    )


def http_options(settings: Settings) -> HttpOptions:
    """Return how HTTP behaves."""
    http = settings.Http
    return HttpOptions(
        # A model that holds all its calls must leave room for the others, however many connections ask for it.
        threads=max(_calls(settings), http.Connections) if http.Threads == "auto" else http.Threads,
        connections=http.Connections,
        connections_per_address=None if http.ConnectionsPerAddress == "auto" else http.ConnectionsPerAddress,
        legacy_http200=http.LegacyHttp200,
        drop_in=frozenset(http.DropIn),
        request_names=dict(http.RequestNames.items()),
        answer_names=dict(http.AnswerNames.items()),
        routes=dict(http.Routes.items()),
        console=http.Console,
    )


def _calls(settings: Settings) -> int:
    return settings.Batching.most_at_one_model + _SPARE_CALLS
