"""The Open Inference Protocol v2 over HTTP: health, models, the repository's index, inference."""

from collections.abc import Callable
from functools import wraps
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response, request

from serving.answer import Hints, ModelStatus, Recognizes
from serving.asking import Question, ask
from serving.codes import NO_MODEL
from serving.errors import BadRequestError, NotReadyError, ServingError, UnknownModelError
from serving.http.answers import Body, error_body, json_response, new_uid, refusal_body, refused
from serving.http.bodies import parse_object
from serving.http.tensors import INPUT, OUTPUTS, identified, outputs_of, parse_inference, wanted_outputs
from serving.pictures import RequestLimits

ACTIVE = "active"
HEADER_LENGTH = "Inference-Header-Content-Length"

_MOST_DIGITS = 18  # of a number of bytes
_COMING = ("settling", "validating", "loading", "warming", "waiting-for-graph")
_STATES = {ACTIVE: "READY", "draining": "UNLOADING", **dict.fromkeys(_COMING, "LOADING")}


def inference_routes(plane: Recognizes, limits: RequestLimits) -> Blueprint:
    """Return the routes under /v2, answered by a data plane."""
    routes = Blueprint("inference", __name__, url_prefix="/v2")
    desk = _Desk(plane, limits)
    model = "/models/<name>"
    one_version = f"{model}/versions/<number>"
    routes.add_url_rule("", "server", desk.server)
    routes.add_url_rule("/health/live", "live", desk.live)
    routes.add_url_rule("/health/ready", "ready", desk.ready)
    routes.add_url_rule("/models", "models", desk.models)
    routes.add_url_rule("/repository/index", "index", desk.index, methods=["POST"])
    for path in (model, one_version):
        routes.add_url_rule(path, f"metadata{path}", _in_protocol(plane, desk.metadata))
        routes.add_url_rule(f"{path}/ready", f"ready_model{path}", _in_protocol(plane, desk.model_ready))
        routes.add_url_rule(f"{path}/infer", f"infer{path}", _in_protocol(plane, desk.infer), methods=["POST"])
    return routes


def _in_protocol(plane: Recognizes, view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer what a view raises as the protocol does, with `error`, beside the fields of our other errors."""

    @wraps(view)
    def answered(name: str, number: str = "") -> Response:
        try:
            return view(name, number)
        except ServingError as error:
            body = refusal_body(error, Hints(name=name), plane.models(), new_uid())
            return refused(error, {"error": body["message"], **body})

    return answered


class _Desk:
    """The views under /v2."""

    def __init__(self, plane: Recognizes, limits: RequestLimits) -> None:
        self._plane = plane
        self._limits = limits

    def server(self) -> Response:
        return json_response({"name": "captcha-foundry", "version": _version(), "extensions": ["binary_tensor_data"]})

    def live(self) -> Response:
        return json_response({"live": True})

    def ready(self) -> Response:
        if self._plane.ready():
            return json_response({"ready": True})
        error = NotReadyError("no model is ready")
        return refused(error, {"ready": False, **error_body(str(error), NO_MODEL.number, new_uid())})

    def models(self) -> Response:
        return json_response(
            {
                "models": [_described(model) for model in self._plane.models()],
                "degraded": list(self._plane.degraded()),
                "ambiguities": list(self._plane.ambiguities()),
            }
        )

    def index(self) -> Response:
        content = request.get_data()
        ready = parse_object(content).get("ready") if content else None
        if not isinstance(ready, bool | None):
            raise BadRequestError(f"'ready' is {ready!r}: send true for those that are ready, or leave it out")
        return json_response(
            [
                {
                    "name": model.name,
                    "version": model.version,
                    "state": _STATES.get(model.state, "UNAVAILABLE"),
                    "reason": model.reason,
                }
                for model in self._plane.models()
                if model.state == ACTIVE or not ready
            ]
        )

    def metadata(self, name: str, number: str) -> Response:
        active = self._active(name, number)
        return json_response(
            {
                "name": name,
                "versions": [model.version for model in active],
                "platform": "tensorflow_graphdef",
                "inputs": [INPUT],
                "outputs": OUTPUTS,
            }
        )

    def model_ready(self, name: str, number: str) -> Response:
        self._active(name, number)
        return json_response({"name": name, "ready": True})

    def infer(self, name: str, number: str) -> Response:
        self._active(name, number)
        header, payloads = parse_inference(request.get_data(), _header_length(), self._limits)
        wanted = wanted_outputs(header)
        body: Body = identified(header)
        reply = ask(self._plane, Question(payloads, Hints(name=name), many=True), self._limits)
        if reply.error:
            raise reply.error
        if number and any(answer.version != number for answer in reply.answers):
            raise UnknownModelError(f"version {number} of {name} was replaced by {reply.version} meanwhile")
        outputs, behind = outputs_of(reply.answers, wanted)
        body |= {"model_name": reply.model, "model_version": reply.version, "outputs": outputs}
        return _followed(json_response(body), behind)

    def _active(self, name: str, number: str) -> list[ModelStatus]:
        named = [model for model in self._plane.models() if model.name == name and number in {"", model.version}]
        active = [model for model in named if model.state == ACTIVE]
        asked = f"{name!r} in version {number}" if number else repr(name)
        if not named:
            raise UnknownModelError(f"there is no model {asked}")
        if not active:
            raise UnknownModelError(f"the model {asked} is {named[0].state}, so it answers nothing now")
        return active


def _described(model: ModelStatus) -> Body:
    return {
        "name": model.name,
        "version": model.version,
        "state": model.state,
        "reason": model.reason,
        "sha256": model.sha256,
        "type": model.type,
        "sites": list(model.sites),
        "size": list(model.size),
        "accuracy": model.accuracy,
        "golden": model.golden,
        "latency": model.latency,
        "file": model.file,
        "since": model.since,
    }


def _followed(response: Response, behind: bytes) -> Response:
    if not behind:
        return response
    header = response.get_data()
    followed = Response(header + behind, content_type="application/octet-stream")
    followed.headers[HEADER_LENGTH] = str(len(header))
    return followed


def _header_length() -> int | None:
    value = request.headers.get(HEADER_LENGTH)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > _MOST_DIGITS:
        raise BadRequestError(f"{HEADER_LENGTH} is {value[:50]!r}; it must be a number of bytes")
    return int(value)


def _version() -> str:
    try:
        return version("captcha-foundry")
    except PackageNotFoundError:
        return "unknown"
