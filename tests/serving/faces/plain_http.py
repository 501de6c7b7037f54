"""Requests to a server under test."""

import base64
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from serving.http.server import HttpServer

Serve = Callable[..., HttpServer]


@contextmanager
def connected(server: HttpServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=10)
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


def raw(server: HttpServer, request: bytes) -> tuple[int, dict[str, Any]]:
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=10) as plain:
        plain.sendall(request)
        response = http.client.HTTPResponse(plain)
        response.begin()
        return response.status, json.loads(response.read())


def post(server: HttpServer, content: bytes) -> requests.Response:
    url = f"http://127.0.0.1:{server.ports[0]}/captcha/v3"
    return requests.post(url, data=content, timeout=10)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
