"""Messages as they come in, good and bad."""

from collections.abc import Callable

import grpc
import pytest

from serving.rpc.server import RpcServer

HEALTH = "/grpc.health.v1.Health/"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.mark.parametrize("method", ["/Predict/predict", HEALTH + "Check", HEALTH + "Watch", REFLECTION])
def test_a_message_that_cannot_be_read_ends_its_call_once(method: str, serve_rpc: Callable[..., RpcServer]) -> None:
    server = serve_rpc()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        for _ in range(5):
            with pytest.raises(grpc.RpcError) as caught:
                list(channel.stream_stream(method)(iter([b"\xff\xff\xff"]), timeout=20))
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
