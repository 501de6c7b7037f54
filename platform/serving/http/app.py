"""The Flask application: all routes, and errors that are JSON whatever they are."""

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from serving.answer import Recognizes
from serving.http.answers import error_body, json_response, new_uid
from serving.http.captcha import captcha_routes
from serving.http.dropin import drop_in_routes
from serving.http.inference import inference_routes
from serving.http.options import HttpOptions
from serving.pictures import RequestLimits

_log = logging.getLogger(__name__)


def create_app(plane: Recognizes, limits: RequestLimits | None = None, options: HttpOptions | None = None) -> Flask:
    """Return the application, for our own server or any other of WSGI.

    Args:
        plane: answers the questions.
        limits: of one request.
        options: how the routes behave.
    """
    limits = limits or RequestLimits()
    options = options or HttpOptions()
    app = Flask("serving", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=limits.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=limits.max_body_bytes,
        MAX_FORM_PARTS=limits.max_pictures + 32,
    )
    # A redirect to the other spelling of a path would be a page of HTML; the first is answered, the second is a 404.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(captcha_routes(plane, limits, options))
    app.register_blueprint(inference_routes(plane, limits))
    app.register_blueprint(drop_in_routes(plane, limits, options.drop_in))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    return app


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
