"""Asks the gate before each request, and counts each answer. A route that is in no table needs a key for `infer`."""

import time

from flask import Flask, Response, g, request

from serving.http.facilities import Facilities
from serving.http.pages import FILES
from serving.security.gate import Caller, Gate
from serving.security.keys import Scope
from serving.security.signing import Signable

_OPEN = frozenset({*FILES, "/openapi.json", "/v2", "/v2/health/live", "/v2/health/ready"})
_SIGNED = frozenset({"/captcha/auth/v2"})  # checks its own signature
_ADMIN = ("/v2/repository/models/", "/admin/")
_UNROUTED = "none"


def scope_of(rule: str) -> Scope | None:
    """Return what a key must be good for to use a route; None if none is needed."""
    if rule in _OPEN or rule in _SIGNED:
        return None
    if rule.startswith(_ADMIN):
        return Scope.ADMIN
    return Scope.METRICS if rule == "/metrics" else Scope.INFER


def guard(app: Flask, facilities: Facilities) -> None:
    """Put the gate before all routes of an application, and the meter behind them."""
    app.before_request(lambda: _admit(facilities.gate))
    app.after_request(lambda response: _count(response, facilities))


def _admit(gate: Gate) -> None:
    g.started = time.perf_counter()
    headers = request.headers
    caller = Caller(
        peer=request.remote_addr or "",
        forwarded=",".join(headers.getlist("X-Forwarded-For")),
        authorization=headers.get("Authorization", ""),
        api_key=headers.get("X-API-Key", ""),
    )
    rule = request.url_rule
    # A further path of /captcha/auth/v2 has its view, and checks the signature as that does.
    signed = rule is not None and rule.endpoint.rpartition(".")[2].startswith("auth_v2")
    gate.admit(caller, None if rule is None or signed else scope_of(rule.rule), _signable)


def _signable() -> Signable:
    query = request.query_string.decode("latin-1")
    return Signable(request.method, request.path, query, request.get_data())


def _count(response: Response, facilities: Facilities) -> Response:
    route = request.url_rule.rule if request.url_rule else _UNROUTED
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    response.headers["Server-Timing"] = f"app;dur={1000 * seconds:.3f}"
    facilities.meter.request("http", route, str(response.status_code), seconds)
    return response
