import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

from contract.errors import ConfigError
from serving.face_settings import TracesSection
from serving.faces import tracer_for
from serving.http.app import create_app
from serving.http.facilities import Facilities
from serving.http.server import HttpServer
from serving.rpc.options import RpcOptions
from serving.rpc.server import RpcServer
from serving.wire.recognizer_pb2 import PredictRequest
from serving.wire.recognizer_pb2_grpc import PredictStub
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually, picture

pytest.importorskip("opentelemetry.sdk", reason="needs the extra otel")

CLIENT_TRACE, CLIENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{CLIENT_TRACE}-{CLIENT_SPAN}-01"


@pytest.fixture
def memory() -> Any:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    return InMemorySpanExporter()


@pytest.fixture
def tracer(memory: Any) -> Callable[..., Any]:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415

    from serving.telemetry import OpenTelemetry  # noqa: PLC0415

    return lambda share=1.0: OpenTelemetry(SimpleSpanProcessor(memory), share)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    shop = Shop(tmp_path)
    shop.publish()
    service = Service(shop, FakeEngine())
    service.step()
    return service


def spans(memory: Any, count: int) -> dict[str, Any]:
    eventually(lambda: len(memory.get_finished_spans()) == count)
    return {span.name: span for span in memory.get_finished_spans()}


def assert_one_trace(found: dict[str, Any], request: str) -> None:
    whole = found.pop(request)
    assert f"{whole.context.trace_id:032x}" == CLIENT_TRACE
    assert f"{whole.parent.span_id:016x}" == CLIENT_SPAN
    assert set(found) == {"decode", "queue", "run"}
    for part in found.values():
        assert (part.context.trace_id, part.parent.span_id) == (whole.context.trace_id, whole.context.span_id)
        assert part.attributes["pictures"] == 1
    assert (found["run"].attributes["model"], found["run"].attributes["version"]) == ("digits", "1.0")
    assert found["decode"].end_time == found["queue"].start_time
    assert found["queue"].end_time == found["run"].start_time


def test_a_request_over_http(service: Service, tracer: Callable[..., Any], memory: Any) -> None:
    server = HttpServer(service.plane, "127.0.0.1", [0], facilities=Facilities(tracer=tracer()))
    server.start()
    url = f"http://127.0.0.1:{server.ports[0]}"
    assert requests.post(f"{url}/captcha/v3", picture(7), headers={"traceparent": PARENT}, timeout=10).ok
    assert_one_trace(spans(memory, 4), "POST /captcha/v3")
    memory.clear()
    requests.get(f"{url}/v2/models/nobody", timeout=10)
    found = spans(memory, 1)
    assert found["GET /v2/models/<name>"].attributes["response.status"] == "404"
    server.stop(5)


def test_probes_are_not_traced(service: Service, tracer: Callable[..., Any], memory: Any) -> None:
    client = create_app(service.plane, facilities=Facilities(tracer=tracer())).test_client()
    for path in ("/v2/health/live", "/v2/health/ready", "/v2"):
        client.get(path)
    assert set(spans(memory, 1)) == {"GET /v2"}


def test_a_call_over_grpc(service: Service, tracer: Callable[..., Any], memory: Any) -> None:
    server = RpcServer(service.plane, "127.0.0.1", 0, options=RpcOptions(tracer=tracer()))
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        request = PredictRequest(pictures=[picture(7)])
        assert PredictStub(channel).predict(request, metadata=[("traceparent", PARENT)]).success
    assert_one_trace(spans(memory, 4), "Predict/predict")
    server.stop(5)


def test_a_share_of_the_requests(service: Service, tracer: Callable[..., Any], memory: Any) -> None:
    server = HttpServer(service.plane, "127.0.0.1", [0], facilities=Facilities(tracer=tracer(0.0)))
    server.start()
    url = f"http://127.0.0.1:{server.ports[0]}/captcha/v3"
    requests.post(url, picture(7), timeout=10)
    requests.post(url, picture(7), headers={"traceparent": PARENT}, timeout=10)  # the client has decided
    assert_one_trace(spans(memory, 4), "POST /captcha/v3")
    server.stop(5)


def test_a_collector_that_does_not_answer_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from serving import telemetry  # noqa: PLC0415

    at_the_end: list[Callable[[], None]] = []
    monkeypatch.setattr("atexit.register", at_the_end.append)
    monkeypatch.setattr(telemetry, "LAST_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as collector:
        before = set(threading.enumerate())
        tracer = telemetry.OpenTelemetry.to(f"http://127.0.0.1:{collector.getsockname()[1]}/v1/traces", 1.0)
        (sending,) = set(threading.enumerate()) - before
        tracer.begin("http", {}).end("GET /", "200", failed=False)
        for action in at_the_end:
            action()
        assert sending.is_alive()  # and waits for the answer still
        collector.accept()[0].close()
    sending.join(10)


def test_off_without_settings_and_a_sentence_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracer_for(TracesSection()) is None
    monkeypatch.setitem(sys.modules, "serving.telemetry", None)
    with pytest.raises(ConfigError, match=r"captcha-foundry\[otel\]"):
        tracer_for(TracesSection(Endpoint="http://127.0.0.1:4318/v1/traces"))
