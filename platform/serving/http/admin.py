"""Administration and metrics. Who may use these routes is decided in `guard`."""

import logging
from collections.abc import Callable

from flask import Blueprint, Response, g, request

from serving.answer import Hints
from serving.errors import BadRequestError, ServingError
from serving.http.answers import json_response, new_uid, refusal_body, refused
from serving.http.bodies import parse_object
from serving.http.facilities import Administers, Exposes

_log = logging.getLogger(__name__)


def admin_routes(admin: Administers) -> Blueprint:
    """Return the routes that change what is loaded.

    An answer says what was asked for; `/v2/repository/index` says when it is done.
    """
    routes = Blueprint("admin", __name__)

    def load(name: str) -> dict[str, object]:
        admin.load(name)
        return {}

    def unload(name: str) -> dict[str, object]:
        admin.unload(name)
        return {}

    def pin(name: str) -> dict[str, object]:
        version = parse_object(request.get_data()).get("version")
        if not isinstance(version, str):
            raise BadRequestError('say which version, as text: {"version": "1.2"}')
        admin.pin(name, version)
        return {"pinned": version}

    def unpin(name: str) -> dict[str, object]:
        admin.unpin(name)
        return {"pinned": None}

    def rollback(name: str) -> dict[str, object]:
        return {"pinned": admin.rollback(name)}

    for view in (load, unload):
        routes.add_url_rule(
            f"/v2/repository/models/<name>/{view.__name__}", view.__name__, _answered(view), methods=["POST"]
        )
    for view in (pin, unpin, rollback):
        routes.add_url_rule(f"/admin/models/<name>/{view.__name__}", view.__name__, _answered(view), methods=["POST"])
    return routes


def metrics_routes(metrics: Exposes) -> Blueprint:
    """Return the route that Prometheus asks."""
    routes = Blueprint("metrics", __name__)

    def exposed() -> Response:
        return Response(metrics.text(), content_type=metrics.content_type)

    routes.add_url_rule("/metrics", "metrics", exposed)
    return routes


def _answered(view: Callable[[str], dict[str, object]]) -> Callable[[str], Response]:
    def answered(name: str) -> Response:
        _log.info("%s of %s, asked for by %s", view.__name__, name, g.caller)
        try:
            return json_response({"name": name, **view(name)})
        except ServingError as error:
            body = refusal_body(error, Hints(name=name), (), new_uid())
            return refused(error, {"error": body["message"], **body})

    return answered
