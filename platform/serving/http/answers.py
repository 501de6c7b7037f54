"""Replies and errors to the JSON of /captcha: `{"message", "code", "success", ...}`."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Request, Response

from serving.answer import Answer, Hints, ModelStatus
from serving.asking import Question, Reply
from serving.codes import DONE, code_of, explain, standing_of
from serving.errors import (
    NotReadyError,
    OverloadedError,
    QuotaExceededError,
    ServingError,
    UnauthenticatedError,
    UnknownModelError,
)
from serving.forms import NATIVE
from serving.logs import begin_request, request_name
from serving.security.signing import SCHEME

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Body = dict[str, object]

RETRY_SECONDS = 1
"""What Retry-After says: a queue of pictures empties in less, and a first model is looked for every second."""


_encode = json.JSONEncoder(separators=(",", ":")).encode


def wants_native(request: Request) -> bool:
    """Whether a client asks for our own form of answers."""
    return request.environ.get("HTTP_ACCEPT") == NATIVE


def new_uid() -> str:
    """Return the name of this request, under which the log knows it too."""
    return request_name() or begin_request()


def reply_body(question: Question, reply: Reply, uid: str) -> Body:
    """Return the JSON of a reply; with `results` when the question had several pictures."""
    body: Body = {
        "message": reply.text,
        "code": reply.code.number,
        "success": reply.error is None,
        "uid": uid,
        "model": reply.model,
        "version": reply.version,
    }
    if question.confidence is not False:
        body["confidence"] = reply.confidence
    if question.many:
        body["results"] = [_result(answer, question) for answer in reply.answers]
    elif question.confidence:
        body["symbols"] = _symbols(reply.answers[0])
    return body


def error_body(message: str, code: int, uid: str) -> Body:
    """Return the JSON of an error."""
    return {"message": message, "code": code, "success": False, "uid": uid}


def refusal_body(error: ServingError, hints: Hints, models: Iterable[ModelStatus], uid: str) -> Body:
    """Return the JSON for a request that could not be answered.

    Args:
        error: why.
        hints: of the request.
        models: what is there; told to a client that asked for something else.
        uid: of the request.
    """
    code = code_of(error, hints)
    body = error_body(explain(error, code), code.number, uid)
    if isinstance(error, UnknownModelError):
        body["available"] = [_available(model) for model in models if model.state == "active"]
    return body


def refused(error: ServingError, body: Body) -> Response:
    """Return the response for an error, with its HTTP status and what helps the client."""
    return helped(json_response(body, standing_of(type(error)).http), error)


def helped(response: Response, error: ServingError) -> Response:
    """Return the response for an error with what helps the client: when to try again, how to identify itself."""
    if isinstance(error, NotReadyError | OverloadedError):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    elif isinstance(error, QuotaExceededError):
        response.headers["Retry-After"] = str(math.ceil(error.seconds))
    elif isinstance(error, UnauthenticatedError):
        response.headers["WWW-Authenticate"] = f"Bearer, {SCHEME}"
    return response


def renamed(body: Body, names: Mapping[str, str]) -> Body:
    """Return a body whose fields are called as the clients of this installation expect, also those of its results."""
    return {names.get(name, name): _renamed_within(value, names) for name, value in body.items()} if names else body


def json_response(body: object, status: int = 200) -> Response:
    """Return a response of JSON.

    Non-ASCII is escaped: an error may quote half a surrogate pair from a request, which UTF-8 cannot hold.
    """
    return _JsonResponse(_encode(body).encode("ascii"), status)


class _JsonResponse(Response):
    """A body in one piece with its length, and headers of ours: nothing that werkzeug would have to look at again.

    Args:
        content: the body.
        status: of HTTP.
    """

    def __init__(self, content: bytes, status: int) -> None:
        super().__init__(status=status, content_type="application/json")
        self.response = [content]
        self.headers.add("Content-Length", str(len(content)))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as a WSGI application."""
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response  # type: ignore[return-value] # which may hold text in Response


def _result(answer: Answer, question: Question) -> Body:
    code = code_of(answer.error, question.hints) if answer.error else DONE
    result: Body = {
        "message": explain(answer.error, code) if answer.error else answer.text,
        "code": code.number,
        "success": answer.error is None,
        "model": answer.model,
        "version": answer.version,
    }
    if question.confidence is not False:
        result["confidence"] = answer.confidence
    if question.confidence:
        result["symbols"] = _symbols(answer)
    return result


def _renamed_within(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, list):
        return [renamed(item, names) if isinstance(item, dict) else item for item in value]
    return value


def _symbols(answer: Answer) -> list[Body]:
    return [{"text": symbol.text, "confidence": symbol.confidence} for symbol in answer.symbols]


def _available(model: ModelStatus) -> Body:
    return {"name": model.name, "type": model.type, "sites": list(model.sites), "size": list(model.size)}
