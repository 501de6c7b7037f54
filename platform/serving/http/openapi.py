"""The OpenAPI document: paths and methods from the application's own routes, statuses from the table of errors."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask
from werkzeug.routing import Rule

from serving.codes import standing_of
from serving.errors import (
    BadRequestError,
    DeadlineError,
    ForbiddenError,
    NotReadyError,
    OverloadedError,
    QuotaExceededError,
    ServingError,
    TooLargeError,
    UnauthenticatedError,
    UnknownModelError,
    UnreadablePictureError,
)
from serving.http.guard import name_of, scope_of
from serving.http.options import HttpOptions
from serving.http.schemas import (
    BINARY,
    NUMBER,
    TEXT,
    YES_OR_NO,
    Schema,
    components,
    fields,
    listed,
    reference,
)
from serving.pictures import RequestLimits

_JSON = "application/json"
_Kinds = tuple[type[ServingError], ...]

_GATE: _Kinds = (UnauthenticatedError, ForbiddenError, QuotaExceededError)
_READING: _Kinds = (
    BadRequestError,
    UnreadablePictureError,
    UnknownModelError,
    TooLargeError,
    NotReadyError,
    OverloadedError,
    DeadlineError,
)
_ANY_FORM = {
    _JSON: reference("Question"),
    "multipart/form-data": reference("Files"),
    "application/octet-stream": BINARY,
    "text/plain": TEXT,
}


@dataclass(frozen=True)
class Operation:
    """What the document says about a route beside its path and methods.

    Attributes:
        summary: in one line.
        answer: schema of what comes with status 200; None for another kind than JSON.
        body: what may be sent, by media type.
        errors: what it can fail with, beside what the gate refuses.
    """

    summary: str
    answer: Schema | None
    body: Mapping[str, Schema] | None = None
    errors: _Kinds = ()


# By blueprint and name of the view; a test holds this complete.
OPERATIONS: Mapping[str, Operation] = {
    "captcha.v1": Operation("Read pictures, sent in any form", reference("Answer"), _ANY_FORM, _READING),
    "captcha.v3": Operation(
        "Read the picture that is the body", reference("Answer"), {"application/octet-stream": BINARY}, _READING
    ),
    "captcha.auth_v2": Operation(
        "Read pictures, with the signature of captcha_platform",
        reference("Answer"),
        {_JSON: reference("Question")},
        (*_READING, UnauthenticatedError),
    ),
    "captcha.info": Operation("What is loaded, as captcha_platform says it", fields({"total": NUMBER})),
    "inference.server": Operation("About the service", fields({"name": TEXT, "version": TEXT})),
    "inference.live": Operation("Whether the process works", fields({"live": YES_OR_NO})),
    "inference.ready": Operation(
        "Whether requests should be sent here", fields({"ready": YES_OR_NO}), errors=(NotReadyError,)
    ),
    "inference.models": Operation("All versions with their states", fields({"models": listed(reference("Model"))})),
    "inference.index": Operation("All versions, in the words of the Open Inference Protocol", listed(fields({}))),
    "inference.metadata": Operation("About a model", fields({"name": TEXT}), errors=(UnknownModelError,)),
    "inference.ready_model": Operation(
        "Whether a model answers", fields({"name": TEXT, "ready": YES_OR_NO}), errors=(UnknownModelError,)
    ),
    "inference.infer": Operation(
        "Read the pictures of a tensor", reference("Inferred"), {_JSON: reference("Inference")}, _READING
    ),
    "admin.load": Operation("Serve a model again", reference("Pinned"), errors=(UnknownModelError,)),
    "admin.unload": Operation("Serve a model no more", reference("Pinned"), errors=(UnknownModelError,)),
    "admin.pin": Operation(
        "Serve this version", reference("Pinned"), {_JSON: reference("Pin")}, (BadRequestError, UnknownModelError)
    ),
    "admin.unpin": Operation("Serve the highest version", reference("Pinned"), errors=(UnknownModelError,)),
    "admin.rollback": Operation("Serve the next lower version", reference("Pinned"), errors=(UnknownModelError,)),
    "metrics.metrics": Operation("Metrics for Prometheus", None),
}


def document(app: Flask, limits: RequestLimits, options: HttpOptions) -> dict[str, object]:
    """Return the OpenAPI document of an application."""
    paths: dict[str, dict[str, object]] = {}
    for rule in app.url_map.iter_rules():
        operation = OPERATIONS.get(name_of(rule.endpoint))
        if operation:
            path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                paths.setdefault(path, {})[method.lower()] = _described(rule, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "captcha-foundry", "version": "1", "description": "Pictures to text."},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components(limits, options),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _described(rule: Rule, operation: Operation) -> Schema:
    scope = scope_of(rule.endpoint)
    kinds = operation.errors + (_GATE if scope else (ForbiddenError, QuotaExceededError))
    content = {_JSON: {"schema": operation.answer}} if operation.answer else {"text/plain": {"schema": TEXT}}
    described: Schema = {
        "summary": operation.summary,
        "tags": [rule.endpoint.partition(".")[0]],
        "responses": {"200": {"description": "Done", "content": content}, **_failures(kinds)},
    }
    parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in sorted(rule.arguments)]
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        media = {kind: {"schema": schema} for kind, schema in operation.body.items()}
        described["requestBody"] = {"required": True, "content": media}
    if scope:
        described["security"] = [{}, {"bearer": []}, {"key": []}]
        described["description"] = f"Needs a key of scope {scope} where keys are configured."
    return described


def _failures(kinds: Iterable[type[ServingError]]) -> Schema:
    statuses = {standing_of(kind).http for kind in kinds}
    error = {_JSON: {"schema": reference("Error")}}
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": error}
        for status in sorted(statuses | {HTTPStatus.BAD_REQUEST})
    }
