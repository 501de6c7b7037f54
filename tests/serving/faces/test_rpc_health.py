"""gRPC's health: it tells the truth, whatever goes wrong, until the very end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.answer import ModelStatus
from serving.rpc.health import Health, statuses
from serving.rpc.server import RpcServer
from serving.security.gate import Gate
from tests.serving.rig import eventually


@pytest.fixture
def watch(serve_rpc: Callable[..., RpcServer]) -> Iterator[Any]:
    with ExitStack() as stack:
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{serve_rpc().port}"))
        request = health_pb2.HealthCheckRequest(service="digits")
        yield health_pb2_grpc.HealthStub(channel).Watch(request, timeout=20)


def test_health_of_the_whole_and_of_each_model(plane: Any) -> None:
    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    plane.statuses.append(ModelStatus("coming", "1", "loading"))
    assert statuses(plane) == {"": serving, "Predict": serving, "digits": serving, "coming": not_serving}
    plane.statuses.reverse()
    plane.is_ready = False
    assert statuses(plane) == {"": not_serving, "Predict": not_serving, "digits": serving, "coming": not_serving}
    assert set(statuses(plane, was_ready=True).values()) == {not_serving}


def test_no_model_is_healthy_any_more_once_the_service_drains(watch: Any, plane: Any) -> None:
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    plane.is_ready = False
    assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_health_goes_on_after_a_defect(
    watch: Any, plane: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    with monkeypatch.context() as patched:
        patched.setattr(plane, "models", Mock(side_effect=RuntimeError("a defect")))
        eventually(lambda: "a defect" in caplog.text)
    plane.statuses = []
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def test_health_says_that_nothing_serves_even_if_nobody_publishes_it_any_more(plane: Any) -> None:
    health = Health(plane, Gate())
    health.servicer.publish(statuses(plane))
    health.stop()
    request = health_pb2.HealthCheckRequest(service="digits")
    answer = health.servicer.Check(request, Mock(peer=lambda: "ipv4:127.0.0.1:1", invocation_metadata=tuple))
    assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_a_watcher_hears_of_a_change(watch: Any, plane: Any) -> None:
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    plane.statuses = []
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
