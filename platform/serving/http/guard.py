"""Asks the gate before each request, and counts each answer. A route that is not named here needs a key for `infer`."""

import re
import time
from functools import lru_cache

from flask import Flask, Response, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import UnsupportedMediaType

from serving import tracing
from serving.http.facilities import Facilities
from serving.logs import begin_request
from serving.security.gate import Caller
from serving.security.keys import Scope
from serving.security.signing import SCHEME, Signable

# By name and not by path, since an operator may give a route further paths.
_HEALTH = frozenset({"inference.live", "inference.ready"})  # balancers ask often, and all from one address
_OPEN = _HEALTH | {"inference.server"}
SIGNED = "captcha.auth_v2"  # checks its own signature, where a request has no other
_FIRST_PATHS = {
    "captcha.v1": "/captcha/v1",
    "captcha.v3": "/captcha/v3",
    "captcha.auth_v2": "/captcha/auth/v2",
    "captcha.info": "/service/info",
}
_SCOPES = {"admin": Scope.ADMIN, "metrics": Scope.METRICS}
UNROUTED = "none"
"""What the meter is told of a request without a route."""
_PLAIN = {"", "identity"}  # content codings
_OUR_FAULT = 500  # statuses from here on


def name_of(endpoint: str) -> str:
    """Return blueprint and view of a route, without the path that may stand behind them."""
    return re.split(r"[/<]", endpoint)[0]


@lru_cache
def scope_of(endpoint: str) -> Scope | None:
    """Return what a key must be good for to use a route; None if none is needed."""
    name = name_of(endpoint)
    blueprint = name.partition(".")[0]
    if name in _OPEN or name == SIGNED or blueprint == "pages":
        return None
    return _SCOPES.get(blueprint, Scope.INFER)


@lru_cache
def route_of(endpoint: str, path: str) -> str:
    """Return what the meter is told of a route: the path that it always has, whatever further ones it was given."""
    return _FIRST_PATHS.get(name_of(endpoint), path)


def guard(app: Flask, facilities: Facilities) -> None:
    """Put the gate before all routes of an application, and the meter behind them."""
    app.before_request(lambda: _admit(facilities))
    app.after_request(lambda response: _count(response, facilities))


def _admit(facilities: Facilities) -> None:
    gate = facilities.gate
    begin_request()
    g.started = time.perf_counter()
    asked = request_ctx.request  # itself, not its proxy
    environ, endpoint = asked.environ, asked.endpoint
    tracing.enter(None)  # the thread has worked on other requests
    caller = Caller(
        peer=environ.get("REMOTE_ADDR", ""),
        forwarded=environ.get("HTTP_X_FORWARDED_FOR", ""),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
        api_key=environ.get("HTTP_X_API_KEY", ""),
    )
    if endpoint in _HEALTH:
        gate.greet(caller)
    else:
        scope = scope_of(endpoint) if endpoint else None
        if scope is None and endpoint and name_of(endpoint) == SIGNED and _shows_key(caller):
            scope = Scope.INFER
        g.caller = gate.admit(caller, scope, _signable)
    # Not before: whoever is refused adds nothing to the traces of others.
    if facilities.tracer and endpoint not in _HEALTH:
        tracing.enter(facilities.tracer.begin("http", dict(request.headers)))
    if environ.get("HTTP_CONTENT_ENCODING", "") not in _PLAIN:
        raise UnsupportedMediaType("a compressed body is not read here: send it without Content-Encoding")


def _shows_key(caller: Caller) -> bool:
    # An old client may have another kind of Authorization, for a proxy before us.
    return bool(caller.api_key) or caller.authorization.lower().startswith(("bearer ", SCHEME.lower()))


def _signable() -> Signable:
    query = request.query_string.decode("latin-1")
    return Signable(request.method, request.path, query, request.get_data())


def _count(response: Response, facilities: Facilities) -> Response:
    asked = request_ctx.request
    rule = asked.url_rule
    route = route_of(rule.endpoint, rule.rule) if rule else UNROUTED
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    response.headers.add("Server-Timing", f"app;dur={1000 * seconds:.3f}")
    if trace := tracing.current():
        trace.end(f"{asked.method} {route}", str(response.status_code), failed=response.status_code >= _OUR_FAULT)
    facilities.meter.request("http", route, str(response.status_code), seconds)
    return response
