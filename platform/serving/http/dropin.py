"""Routes of three other systems, so that their clients work unchanged. Each answers in that system's own form.

| system                 | route                 | picture                                            |
|------------------------|-----------------------|----------------------------------------------------|
| cnn_captcha            | POST /b               | multipart `image_file`                             |
| captcha_identification | POST /captcha         | JSON `pic`, or text/plain; base64 or data URI      |
| tensorflow-101         | POST /predict, /ping  | multipart `image`, or JSON `image` as base64       |

All of them answer errors with status 200. The model is found by the picture's size.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, request

from serving import pictures
from serving.answer import Recognizes
from serving.asking import Question, ask
from serving.errors import BadRequestError, ServingError
from serving.http.answers import Body, json_response
from serving.http.bodies import parse_object
from serving.http.options import DropIn
from serving.pictures import RequestLimits

Read = Callable[[list[pictures.Payload]], str]


@dataclass(frozen=True)
class Failure:
    """How a system says that it could not read a picture: with status 200.

    Attributes:
        path: of its route.
        body: as JSON.
        headers: of the answer.
    """

    path: str
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


_OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}

FAILURES: Mapping[DropIn, Failure] = {
    DropIn.CNN_CAPTCHA: Failure("/b", {"error_code": "1001"}, _OPEN_TO_ALL),
    DropIn.CAPTCHA_IDENTIFICATION: Failure("/captcha", {"status": "NO", "msg": "error"}),
    DropIn.TENSORFLOW_101: Failure("/predict", {"success": False, "prediction": "", "debug": "error"}),
}


def drop_in_routes(plane: Recognizes, limits: RequestLimits, systems: Collection[DropIn]) -> Blueprint:
    """Return the routes of some systems, answered by a data plane."""
    routes = Blueprint("drop_in", __name__)

    def read(payloads: list[pictures.Payload]) -> str:
        return ask(plane, Question(payloads), limits).text

    add = {
        DropIn.CNN_CAPTCHA: _add_cnn_captcha,
        DropIn.CAPTCHA_IDENTIFICATION: _add_captcha_identification,
        DropIn.TENSORFLOW_101: _add_tensorflow_101,
    }
    for system in systems:
        add[system](routes, read, limits)
    return routes


def _add_cnn_captcha(routes: Blueprint, read: Read, limits: RequestLimits) -> None:
    def b() -> Response:
        started = time.time()
        try:
            text = read(_files("image_file", limits))
        except ServingError:
            return _failed(DropIn.CNN_CAPTCHA)
        milliseconds = int((time.time() - started) * 1000)
        answer = {"time": str(int(started * 1_000_000)), "value": text, "speed_time(ms)": milliseconds}
        response = json_response(answer)
        response.headers.update(_OPEN_TO_ALL)
        return response

    routes.add_url_rule("/b", "b", b, methods=["POST"])


def _add_captcha_identification(routes: Blueprint, read: Read, limits: RequestLimits) -> None:
    def captcha() -> Response:
        if request.mimetype not in {"application/json", "text/plain"}:
            return json_response({"status": "NO", "msg": "request head not support"})
        try:
            picture = _text("pic") if request.mimetype == "application/json" else request.get_data().decode("latin-1")
            if not picture:
                return json_response({"status": "NO", "msg": "input base64 is empty"})
            text = read(pictures.from_text(picture, limits))
        except ServingError:
            return _failed(DropIn.CAPTCHA_IDENTIFICATION)
        return json_response({"status": "OK", "result": text})

    routes.add_url_rule("/captcha", "captcha", captcha, methods=["POST"])


def _add_tensorflow_101(routes: Blueprint, read: Read, limits: RequestLimits) -> None:
    def ping() -> Response:
        return Response("pong", content_type="text/html; charset=utf-8")

    def predict() -> Response:
        try:
            if "image" in request.files:
                text = read(_files("image", limits))
            else:
                text = read(pictures.from_text(_text("image"), limits))
        except ServingError:
            return _failed(DropIn.TENSORFLOW_101)
        return json_response({"success": True, "prediction": text, "debug": "predicted"})

    routes.add_url_rule("/ping", "ping", ping, methods=["GET", "POST"])
    routes.add_url_rule("/predict", "predict", predict, methods=["POST"])


def _files(field: str, limits: RequestLimits) -> list[pictures.Payload]:
    return pictures.from_files([part.read() for part in request.files.getlist(field)], limits)


def _text(field: str) -> str:
    value = parse_object(request.get_data()).get(field)
    if not isinstance(value, str | None):
        raise BadRequestError(f"{field!r} must be text")
    return value or ""


def _failed(system: DropIn) -> Response:
    response = json_response(FAILURES[system].body)
    response.headers.update(FAILURES[system].headers)
    return response
