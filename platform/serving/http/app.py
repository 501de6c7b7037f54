"""The Flask application: all routes, and errors that are JSON whatever they are."""

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from serving.answer import Hints, Recognizes
from serving.codes import INTERNAL, Code, code_of, explain, standing_of
from serving.errors import ServingError
from serving.http.admin import admin_routes, metrics_routes
from serving.http.answers import helped, json_response, new_uid, wants_native
from serving.http.application import Application
from serving.http.captcha import captcha_routes
from serving.http.dropin import drop_in_routes
from serving.http.facilities import Facilities
from serving.http.guard import guard
from serving.http.inference import inference_routes
from serving.http.openapi import document
from serving.http.options import HttpOptions
from serving.http.pages import page_routes
from serving.http.refusals import Trouble, Wording
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
    app = Application("serving")
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
    wording = Wording(options)
    app.register_error_handler(ServingError, lambda error: _not_admitted(error, wording))
    app.register_error_handler(HTTPException, lambda error: _refused(error, wording))
    app.register_error_handler(Exception, lambda error: _failed(error, wording))
    app.refuse_other_hooks()
    return app


def _not_admitted(error: ServingError, wording: Wording) -> Response:
    code = code_of(error, Hints())
    trouble = Trouble(standing_of(type(error)).http, code, explain(error, code))
    return helped(_told(trouble, wording), error)


def _refused(error: HTTPException, wording: Wording) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    unrouted = status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    detail = f"{request.method} {request.path}" if unrouted else error.description
    response = _told(Trouble(status, Code(status, status.phrase), f"{status.phrase}: {detail}"), wording)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _failed(error: Exception, wording: Wording) -> Response:
    uid = new_uid()
    _log.error("request %s to %s failed", uid, request.path, exc_info=error)
    message = f"Internal Server Error: the log says more under {uid}"
    return _told(Trouble(INTERNAL.number, INTERNAL, message), wording)


def _told(trouble: Trouble, wording: Wording) -> Response:
    refusal = wording.told(request.path, trouble, new_uid(), native=wants_native(request))
    response = json_response(refusal.body, refusal.status)
    response.headers.update(refusal.headers)
    return response
