"""The Flask application: all routes, and errors that are JSON whatever they are."""

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from serving.answer import Hints, Recognizes
from serving.errors import ServingError
from serving.http.admin import admin_routes, metrics_routes
from serving.http.answers import error_body, json_response, new_uid, refusal_body, refused, wants_native
from serving.http.captcha import captcha_routes
from serving.http.dropin import drop_in_routes
from serving.http.facilities import Facilities
from serving.http.guard import guard
from serving.http.inference import inference_routes
from serving.http.openapi import document
from serving.http.options import HttpOptions
from serving.http.pages import page_routes
from serving.pictures import RequestLimits

_log = logging.getLogger(__name__)


def create_app(
    plane: Recognizes,
    limits: RequestLimits | None = None,
    options: HttpOptions | None = None,
    facilities: Facilities | None = None,
) -> Flask:
    """Return the application, for our own server or any other of WSGI.

    Args:
        plane: answers the questions.
        limits: of one request.
        options: how the routes behave.
        facilities: keys, metrics and administration.
    """
    limits = limits or RequestLimits()
    options = options or HttpOptions()
    facilities = facilities or Facilities()
    app = Flask("serving", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=limits.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=limits.max_body_bytes,
        MAX_FORM_PARTS=limits.max_pictures + 32,
    )
    # A redirect to the other spelling of a path would be a page of HTML; the first is answered, the second is a 404.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(captcha_routes(plane, limits, options, facilities.gate))
    app.register_blueprint(inference_routes(plane, limits))
    app.register_blueprint(drop_in_routes(plane, limits, options.drop_in))
    if facilities.admin:
        app.register_blueprint(admin_routes(facilities.admin))
    if facilities.metrics:
        app.register_blueprint(metrics_routes(facilities.metrics))
    app.register_blueprint(page_routes(options, lambda: document(app, limits, options)))
    guard(app, facilities)
    app.register_error_handler(ServingError, lambda error: _not_admitted(error, options))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    return app


def _not_admitted(error: ServingError, options: HttpOptions) -> Response:
    body = refusal_body(error, Hints(), (), new_uid())
    if request.path.startswith("/v2"):
        body = {"error": body["message"], **body}
    response = refused(error, body)
    if options.legacy_http200 and request.blueprint == "captcha" and not wants_native(request):
        response.status_code = HTTPStatus.OK
    return response


def _refused(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    unrouted = status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    detail = f"{request.method} {request.path}" if unrouted else error.description
    response = json_response(error_body(f"{status.phrase}: {detail}", status, new_uid()), status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _failed(error: Exception) -> Response:
    uid = new_uid()
    _log.error("request %s to %s failed", uid, request.path, exc_info=error)
    message = f"Internal Server Error: the log says more under {uid}"
    return json_response(error_body(message, 500, uid), 500)
