"""JSON schemas of what the routes take and give, as the OpenAPI document shows them."""

from collections.abc import Mapping

from serving.http.options import HttpOptions
from serving.pictures import RequestLimits

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
YES_OR_NO: Schema = {"type": "boolean"}
BINARY: Schema = {"type": "string", "format": "binary"}
BASE64: Schema = {"type": "string", "description": "base64 of a picture file; a data URI is accepted too"}


def fields(properties: Mapping[str, object], required: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object."""
    schema: Schema = {"type": "object", "properties": dict(properties)}
    return {**schema, "required": list(required)} if required else schema


def listed(items: Schema, **more: object) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **more}


def reference(name: str) -> Schema:
    """Return a reference to one of `components`."""
    return {"$ref": f"#/components/schemas/{name}"}


def components(limits: RequestLimits, options: HttpOptions) -> dict[str, Schema]:
    """Return the schemas by name, with the limits and the field names of this installation."""
    many = {"minItems": 1, "maxItems": limits.max_pictures}
    hints = {name: _optional(TEXT) for name in ("model_site", "model_type", "model_name", "split_char")}
    question = {"image": {"oneOf": [BASE64, listed(BASE64, **many)]}, **hints, "need_confidence": _optional(YES_OR_NO)}
    symbols = {"symbols": listed(fields({"text": TEXT, "confidence": SHARE}))}
    result: dict[str, object] = {"message": TEXT, "code": NUMBER, "success": YES_OR_NO, "model": TEXT, "version": TEXT}
    result |= {"confidence": SHARE, **symbols}
    answer = {**result, "uid": TEXT, "results": listed(fields(result))}
    error = {"message": TEXT, "code": NUMBER, "success": {"const": False}, "uid": TEXT, "error": TEXT}
    return {
        "Question": fields(_renamed(question, options.request_names), (options.request_names.get("image", "image"),)),
        "Files": fields({"image": {"oneOf": [BINARY, listed(BINARY, **many)]}, **hints}, ("image",)),
        "Answer": fields(_renamed(answer, options.answer_names)),
        "Error": fields(error),
        "Model": fields(_MODEL),
        "Inference": fields({"id": TEXT, "inputs": listed(_tensor(many), minItems=1, maxItems=1)}, ("inputs",)),
        "Inferred": fields({"id": TEXT, "model_name": TEXT, "model_version": TEXT, "outputs": listed(_OUTPUT)}),
        "Pin": fields({"version": TEXT}, ("version",)),
        "Pinned": fields({"name": TEXT, "pinned": _optional(TEXT)}),
    }


_MODEL: Schema = {
    "name": TEXT,
    "version": TEXT,
    "state": TEXT,
    "reason": TEXT,
    "sha256": TEXT,
    "type": TEXT,
    "sites": listed(TEXT),
    "size": listed(NUMBER),
    "accuracy": {"type": ["number", "null"]},
    "golden": NUMBER,
    "latency": {"type": ["number", "null"]},
}
_OUTPUT = fields({"name": TEXT, "datatype": TEXT, "shape": listed(NUMBER), "data": listed({})})


def _tensor(many: Mapping[str, object]) -> Schema:
    data = listed(BASE64, **many)
    return fields(
        {"name": TEXT, "datatype": {"const": "BYTES"}, "shape": listed(NUMBER), "data": data}, ("datatype", "data")
    )


def _optional(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _renamed(properties: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    return {names.get(name, name): schema for name, schema in properties.items()}
