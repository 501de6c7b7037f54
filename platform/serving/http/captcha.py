"""The routes of captcha_platform: `/captcha/v1`, `/captcha/v3`, `/captcha/auth/v2` and `/service/info`."""

import logging
import time
from collections.abc import Callable

from flask import Blueprint, Response, g, request
from flask.globals import request_ctx

from serving.answer import Hints, Recognizes
from serving.asking import Question, ask
from serving.codes import code_of
from serving.errors import ServingError
from serving.http.answers import (
    Body,
    error_body,
    json_response,
    new_uid,
    refusal_body,
    refused,
    renamed,
    reply_body,
    wants_native,
)
from serving.http.bodies import parse_object, question_of, raw_question
from serving.http.options import HttpOptions
from serving.pictures import RequestLimits
from serving.security.gate import Gate

_log = logging.getLogger(__name__)


def captcha_routes(plane: Recognizes, limits: RequestLimits, options: HttpOptions, gate: Gate) -> Blueprint:
    """Return the routes of captcha_platform, answered by a data plane."""
    routes = Blueprint("captcha", __name__)
    chosen, native = (_Desk(plane, limits, form) for form in (options, options.native))

    def desk() -> _Desk:
        return native if wants_native(request) else chosen

    def v1() -> Response:
        of_form, asked = desk(), request_ctx.request  # itself, which is looked at often
        return of_form.answer(lambda: question_of(asked, limits, of_form.request_names))

    def v3() -> Response:
        return desk().answer(lambda: raw_question(request.get_data(), limits))

    def auth_v2() -> Response:
        return desk().answer(signed)

    def signed() -> Question:
        if not g.caller:  # whom a key or another signature has let in
            # Whatever the body is, the answer is that they are off.
            gate.check_legacy(parse_object(request.get_data()) if gate.security.LegacySignature else {})
        return question_of(request, limits, desk().request_names)

    views = [
        ("/captcha/v1", v1, "POST"),
        ("/captcha/v3", v3, "POST"),
        ("/captcha/auth/v2", auth_v2, "POST"),
        ("/service/info", native.info, "GET"),
    ]
    for path, view, method in views:
        for spelling in (path, *options.routes.get(path, ())):
            routes.add_url_rule(spelling, f"{view.__name__}{spelling}".replace(".", "_"), view, methods=[method])
    return routes


class _Desk:
    """Answers requests in the form of captcha_platform, as the options want it."""

    def __init__(self, plane: Recognizes, limits: RequestLimits, options: HttpOptions) -> None:
        self._plane = plane
        self._limits = limits
        self._options = options
        self.request_names = options.request_names

    def answer(self, decode: Callable[[], Question]) -> Response:
        uid = new_uid()
        hints = Hints()
        try:
            question = decode()
            hints = question.hints
            reply = ask(self._plane, question, self._limits)
        except ServingError as error:
            return self._refused(error, hints, uid)
        body = reply_body(question, reply, uid)
        _log.debug("request %s: %d pictures, %s %s", uid, len(reply.answers), reply.model, reply.version)
        return self._sent(body)

    def info(self) -> Response:
        models = self._plane.models()
        online = [model for model in models if model.state == "active"]
        return json_response(
            {
                "total": len(online),
                "online": [model.name for model in online],
                "support": sorted({site for model in online for site in model.sites}),
                "invalid": {
                    model.file: {"create_time": time.ctime(model.since), "reason": model.reason}
                    for model in models
                    if model.state in {"rejected", "failed", "waiting-for-graph"}
                },
            }
        )

    def _refused(self, error: ServingError, hints: Hints, uid: str) -> Response:
        if self._options.legacy_http200:
            code = code_of(error, hints)
            return self._sent(error_body(code.message, code.number, uid))
        body = refusal_body(error, hints, self._plane.models(), uid)
        return refused(error, renamed(body, self._options.answer_names))

    def _sent(self, body: Body) -> Response:
        return json_response(renamed(body, self._options.answer_names))
