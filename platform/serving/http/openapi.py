"""The OpenAPI document: paths and methods from the application's own routes, statuses from the table of errors."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
from serving.forms import NATIVE
from serving.http.guard import SIGNED, name_of, scope_of
from serving.http.inference import HEADER_LENGTH
from serving.http.options import HttpOptions
from serving.http.schemas import (
    BASE64,
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
from serving.security.keys import Scope

_JSON = "application/json"
_FORM = "multipart/form-data"
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
_BYTES = "application/octet-stream"
_RAW = {_BYTES: BINARY, "image/*": BINARY}
_ANY_FORM = {
    _JSON: reference("Question"),
    _FORM: reference("Files"),
    "application/x-www-form-urlencoded": reference("Question"),
    "text/plain": TEXT,
    **_RAW,
}


@dataclass(frozen=True)
class Operation:
    """What the document says about a route beside its path and methods.

    Attributes:
        summary: in one line.
        answer: schema of what comes with status 200; None for another kind than JSON.
        body: what may be sent, by media type.
        errors: what it can fail with, beside what the gate and the server itself refuse.
        also: what comes with status 200 in other kinds than JSON, by media type.
        headers: that say more about the body.
        bare: whether the body may be left out.
    """

    summary: str
    answer: Schema | None
    body: Mapping[str, Schema] | None = None
    errors: _Kinds = ()
    also: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    bare: bool = False


# By blueprint and name of the view; a test holds this complete.
OPERATIONS: Mapping[str, Operation] = {
    "captcha.v1": Operation("Read pictures, sent in any form", reference("Answer"), _ANY_FORM, _READING),
    "captcha.v3": Operation("Read the picture that is the body", reference("Answer"), _RAW, _READING),
    "captcha.auth_v2": Operation(
        "Read pictures, with a key or a signature, also that of captcha_platform",
        reference("Answer"),
        {_JSON: reference("Question")},
        (*_READING, UnauthenticatedError, ForbiddenError),
    ),
    "captcha.info": Operation("What is loaded, as captcha_platform says it", reference("Info")),
    "drop_in.b": Operation(
        "Read a picture, for clients of cnn_captcha",
        fields({"time": TEXT, "value": TEXT, "speed_time(ms)": NUMBER, "error_code": TEXT}),
        {_FORM: fields({"image_file": BINARY}, ("image_file",))},
    ),
    "drop_in.captcha": Operation(
        "Read a picture, for clients of captcha_identification",
        fields({"status": {"enum": ["OK", "NO"]}, "result": TEXT, "msg": TEXT}),
        {_JSON: fields({"pic": BASE64}, ("pic",)), "text/plain": BASE64},
    ),
    "drop_in.predict": Operation(
        "Read a picture, for clients of tensorflow-101",
        fields({"success": YES_OR_NO, "prediction": TEXT, "debug": TEXT}),
        {_FORM: fields({"image": BINARY}, ("image",)), _JSON: fields({"image": BASE64}, ("image",))},
    ),
    "drop_in.ping": Operation(
        "Whether the service works, for clients of tensorflow-101", None, also={"text/html": TEXT}
    ),
    "inference.server": Operation(
        "About the service", fields({"name": TEXT, "version": TEXT, "extensions": listed(TEXT)})
    ),
    "inference.live": Operation("Whether the process works", fields({"live": YES_OR_NO})),
    "inference.ready": Operation(
        "Whether requests should be sent here", fields({"ready": YES_OR_NO}), errors=(NotReadyError,)
    ),
    "inference.models": Operation("All versions with their states, and what is wrong", reference("Models")),
    "inference.index": Operation(
        "All versions, in the words of the Open Inference Protocol",
        listed(reference("Indexed")),
        {_JSON: fields({"ready": {**YES_OR_NO, "description": "true for those that are ready only"}})},
        bare=True,
    ),
    "inference.metadata": Operation("About a model", reference("Metadata"), errors=(UnknownModelError,)),
    "inference.ready_model": Operation(
        "Whether a model answers", fields({"name": TEXT, "ready": YES_OR_NO}), errors=(UnknownModelError,)
    ),
    "inference.infer": Operation(
        "Read the pictures of a tensor",
        reference("Inferred"),
        {_JSON: reference("Inference"), _BYTES: BINARY},
        _READING,
        also={_BYTES: BINARY},
        headers={HEADER_LENGTH: {**NUMBER, "minimum": 1, "description": "of JSON, before the bytes of the tensor"}},
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
                paths.setdefault(path, {})[method.lower()] = _described(rule, operation, options)
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


def _described(rule: Rule, operation: Operation, options: HttpOptions) -> Schema:
    scope, blueprint = scope_of(rule.endpoint), rule.endpoint.partition(".")[0]
    content = {_JSON: {"schema": operation.answer}} if operation.answer else {}
    content |= {kind: {"schema": schema} for kind, schema in operation.also.items()}
    done: Schema = {"200": {"description": "Done", "content": content or {"text/plain": {"schema": TEXT}}}}
    statuses = _statuses(operation, blueprint, keyed=scope is not None)
    described: Schema = {
        "summary": operation.summary,
        "tags": [blueprint],
        "responses": done | _failures(statuses, blueprint),
    }
    always = scope is Scope.ADMIN
    notes = [f"Needs a key of scope {scope}{'.' if always else ' where keys are configured.'}"] if scope else []
    if name_of(rule.endpoint) == SIGNED:
        notes.append(f"Needs a signature, or a key of scope {Scope.INFER}.")
    if blueprint == "captcha" and options.legacy_http200:
        notes.append(f"Errors come with status 200, or with their own to `Accept: {NATIVE}`.")
    if parameters := _parameters(rule, operation):
        described["parameters"] = parameters
    if operation.body:
        media = {kind: {"schema": schema} for kind, schema in operation.body.items()}
        described["requestBody"] = {"required": not operation.bare, "content": media}
    if scope:
        described["security"] = [*([] if always else [{}]), {"bearer": []}, {"key": []}]
    if notes:
        described["description"] = " ".join(notes)
    return described


def _parameters(rule: Rule, operation: Operation) -> list[Schema]:
    path: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT} for name in sorted(rule.arguments)
    ]
    return path + [{"name": name, "in": "header", "schema": schema} for name, schema in operation.headers.items()]


def _statuses(operation: Operation, blueprint: str, *, keyed: bool) -> set[int]:
    kinds = operation.errors + (_GATE if keyed else (ForbiddenError, QuotaExceededError))
    statuses = {standing_of(kind).http for kind in kinds}
    statuses |= {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE}
    if operation.body:
        statuses.add(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if blueprint != "drop_in":  # which tells these in its own way
            statuses |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE}
    return statuses


def _failures(statuses: Iterable[int], blueprint: str) -> Schema:
    error = {_JSON: {"schema": reference("Refusal" if blueprint == "captcha" else "Error")}}
    return {
        str(int(status)): {"description": HTTPStatus(status).phrase, "content": error} for status in sorted(statuses)
    }
