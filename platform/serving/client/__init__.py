"""A client for programs in Python, over HTTP or gRPC.

    with HttpClient("http://127.0.0.1:19951") as client:
        print(client.read(Path("captcha.png").read_bytes()).text)

Reading a picture changes nothing in the service, so what fails on the way is tried again: a connection that cannot be
made or breaks, and an answer that says "try again later".
"""

from serving.client.credentials import Credentials
from serving.client.results import ClientError, Patience, RefusedError, Result, UnreachableError
from serving.client.rpc import GrpcClient
from serving.client.web import HttpClient

__all__ = [
    "ClientError",
    "Credentials",
    "GrpcClient",
    "HttpClient",
    "Patience",
    "RefusedError",
    "Result",
    "UnreachableError",
]
