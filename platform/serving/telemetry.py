"""Traces for OpenTelemetry, sent over OTLP. Only imported where `Traces.Endpoint` is set; needs the extra `otel`."""

import time
from collections.abc import Mapping

from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serving.tracing import Attribute, Trace

LAST_SECONDS = 2.0
"""For what is left at the end of the process to be sent. By itself the library takes up to 30 s where a collector does
not answer, and the process lives for as long."""

_PROPAGATOR = TraceContextTextMapPropagator()


class _Batches(BatchSpanProcessor):
    def shutdown(self) -> None:
        self._batch_processor.shutdown(int(1000 * LAST_SECONDS))  # what the public method calls without a time


class OpenTelemetry:
    """Begins traces; implements `tracing.Tracer`.

    Args:
        processor: takes the spans.
        share: of the requests that are traced whose client did not decide it, 0..1.
    """

    def __init__(self, processor: SpanProcessor, share: float = 1.0) -> None:
        resource = Resource.create({"service.name": "captcha-foundry"})
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), resource=resource)
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("serving")

    @classmethod
    def to(cls, endpoint: str, share: float) -> "OpenTelemetry":
        """Return one that sends to a collector, in batches, as http://127.0.0.1:4318/v1/traces."""
        return cls(_Batches(OTLPSpanExporter(endpoint)), share)

    def begin(self, protocol: str, carrier: Mapping[str, str]) -> Trace:
        """Begin the trace of a request; see `tracing.Tracer`."""
        context = _PROPAGATOR.extract({name.lower(): value for name, value in carrier.items()})
        kind, attributes = api.SpanKind.SERVER, {"network.protocol.name": protocol}
        return _Request(self._tracer, self._tracer.start_span("request", context, kind, attributes))


class _Request:
    def __init__(self, tracer: api.Tracer, span: api.Span) -> None:
        self._tracer = tracer
        self._span = span
        self._context = api.set_span_in_context(span)
        self._offset = time.time_ns() - time.monotonic_ns()  # once, so that parts that follow each other still do

    def stage(self, name: str, start: float, end: float, attributes: Mapping[str, Attribute]) -> None:
        begun, ended = (int(moment * 1e9) + self._offset for moment in (start, end))
        span = self._tracer.start_span(name, self._context, attributes=attributes, start_time=begun)
        span.end(ended)

    def end(self, name: str, status: str, *, failed: bool) -> None:
        self._span.update_name(name)
        self._span.set_attribute("response.status", status)
        if failed:
            self._span.set_status(api.StatusCode.ERROR)
        self._span.end()
