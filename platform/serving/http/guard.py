"""Asks the gate before each request, and counts each answer. A route that is not named here needs a key for `infer`."""

import re
import time
from functools import lru_cache

from flask import Flask, Response, g, request

from serving import tracing
from serving.http.facilities import Facilities
from serving.logs import begin_request
from serving.security.gate import Caller
from serving.security.keys import Scope
from serving.security.signing import Signable

# By name and not by path, since an operator may give a route further paths.
_HEALTH = frozenset({"inference.live", "inference.ready"})  # balancers ask often, and all from one address
_OPEN = _HEALTH | {"inference.server"}
_SIGNED = "captcha.auth_v2"  # checks its own signature
_SCOPES = {"admin": Scope.ADMIN, "metrics": Scope.METRICS}
_UNROUTED = "none"
_OUR_FAULT = 500  # statuses from here on


def name_of(endpoint: str) -> str:
    """Return blueprint and view of a route, without the path that may stand behind them."""
    return re.split(r"[/<]", endpoint)[0]


@lru_cache
def scope_of(endpoint: str) -> Scope | None:
    """Return what a key must be good for to use a route; None if none is needed."""
    name = name_of(endpoint)
    blueprint = name.partition(".")[0]
    if name in _OPEN or name == _SIGNED or blueprint == "pages":
        return None
    return _SCOPES.get(blueprint, Scope.INFER)


def guard(app: Flask, facilities: Facilities) -> None:
    """Put the gate before all routes of an application, and the meter behind them."""
    app.before_request(lambda: _admit(facilities))
    app.after_request(lambda response: _count(response, facilities))


def _admit(facilities: Facilities) -> None:
    gate = facilities.gate
    begin_request()
    g.started = time.perf_counter()
    headers = request.headers
    tracing.enter(None)  # the thread has worked on other requests
    caller = Caller(
        peer=request.remote_addr or "",
        forwarded=",".join(headers.getlist("X-Forwarded-For")),
        authorization=headers.get("Authorization", ""),
        api_key=headers.get("X-API-Key", ""),
    )
    if request.endpoint in _HEALTH:
        gate.greet(caller)
    else:
        g.caller = gate.admit(caller, scope_of(request.endpoint) if request.endpoint else None, _signable)
    # Not before: whoever is refused adds nothing to the traces of others.
    tracing.enter(facilities.tracer.begin("http", dict(headers)) if facilities.tracer else None)


def _signable() -> Signable:
    query = request.query_string.decode("latin-1")
    return Signable(request.method, request.path, query, request.get_data())


def _count(response: Response, facilities: Facilities) -> Response:
    route = request.url_rule.rule if request.url_rule else _UNROUTED
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    response.headers["Server-Timing"] = f"app;dur={1000 * seconds:.3f}"
    if trace := tracing.current():
        trace.end(f"{request.method} {route}", str(response.status_code), failed=response.status_code >= _OUR_FAULT)
    facilities.meter.request("http", route, str(response.status_code), seconds)
    return response
