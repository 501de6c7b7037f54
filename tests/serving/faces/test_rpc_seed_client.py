"""A client built from the seed's own description of the service, with its fields and nothing else."""

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.rpc.server import RpcServer

PROTO = """
syntax = "proto3";
service Predict { rpc predict (PredictRequest) returns (PredictResult) {} }
message PredictRequest {
  string image = 1; string split_char = 2; string model_name = 3;
  string model_type = 4; string model_site = 5; string need_color = 6;
}
message PredictResult { string result = 1; int32 code = 2; bool success = 3; }
"""

CLIENT = """
import sys
import grpc
import grpc_pb2, grpc_pb2_grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    request = grpc_pb2.PredictRequest(image=sys.argv[2], split_char=",", model_site="", model_type="")
    result = grpc_pb2_grpc.PredictStub(channel).predict(request)
    print(result.result, result.code, result.success)
"""


@pytest.fixture
def seed_client(tmp_path: Path) -> Path:
    (tmp_path / "grpc.proto").write_text(PROTO)
    (tmp_path / "client.py").write_text(CLIENT)
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", "--python_out=.", "--grpc_python_out=."]
    subprocess.run([*command, "grpc.proto"], cwd=tmp_path, check=True)
    return tmp_path / "client.py"


def test_the_seeds_client_is_answered(
    seed_client: Path, serve_rpc: Callable[..., RpcServer], picture: Callable[..., bytes]
) -> None:
    address = f"127.0.0.1:{serve_rpc(legacy_ok=True).port}"
    for image, printed in ((base64.b64encode(picture()).decode(), "16x6 0 True"), ("?", " 500002 False")):
        # In a process of its own: two descriptions of the same service do not fit into one.
        done = subprocess.run(
            [sys.executable, str(seed_client), address, image], capture_output=True, text=True, check=True
        )
        assert done.stdout.rstrip("\n") == printed
