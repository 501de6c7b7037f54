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
    hints["need_confidence"] = _optional(YES_OR_NO)
    question = {"image": {"oneOf": [BASE64, listed(BASE64, **many)]}, **hints}
    files = {"image": {"oneOf": [BINARY, listed(BINARY, **many)]}, **hints}
    symbols = {"symbols": listed(fields(_renamed({"text": TEXT, "confidence": SHARE}, options.answer_names)))}
    answer: Schema = {"message": TEXT, "code": NUMBER, "success": YES_OR_NO, "model": TEXT, "version": TEXT}
    answer |= {"confidence": SHARE, **symbols}
    available = listed(fields({"name": TEXT, "type": TEXT, "sites": listed(TEXT), "size": listed(NUMBER)}))
    error = {"message": TEXT, "code": NUMBER, "success": {"const": False}, "uid": TEXT, "available": available}
    result = _renamed(answer, options.answer_names)
    return {
        "Question": fields(_renamed(question, options.request_names), (options.request_names.get("image", "image"),)),
        "Files": fields(_renamed(files, options.request_names)),
        "Answer": fields(
            {**result, **_renamed({"uid": TEXT, "results": listed(fields(result))}, options.answer_names)}
        ),
        "Refusal": fields(_renamed(error, options.answer_names)),
        "Error": fields({**error, "error": TEXT}),
        "Info": fields(_INFO),
        "Indexed": fields({"name": TEXT, "version": TEXT, "state": {"enum": _INDEXED}, "reason": TEXT}),
        "Metadata": fields(_METADATA),
        "Model": fields(_MODEL),
        "Models": fields({"models": listed(reference("Model")), "degraded": listed(TEXT), "ambiguities": listed(TEXT)}),
        "Inference": fields(_inference(many), ("inputs",)),
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
    "file": {**TEXT, "description": "name of its YAML"},
    "since": {"type": "number", "description": "when it came to this state, in seconds since 1970"},
}
_INFO: Schema = {
    "total": NUMBER,
    "online": listed(TEXT),
    "support": listed(TEXT),
    "invalid": {
        "type": "object",
        "additionalProperties": {"type": "object", "properties": {"create_time": TEXT, "reason": TEXT}},
    },
}
_INDEXED = ["READY", "LOADING", "UNLOADING", "UNAVAILABLE"]
_TENSOR: Schema = {"name": TEXT, "datatype": TEXT, "shape": listed(NUMBER)}
_METADATA: Schema = {
    "name": TEXT,
    "versions": listed(TEXT),
    "platform": TEXT,
    "inputs": listed(fields(_TENSOR)),
    "outputs": listed(fields(_TENSOR)),
}
_SIZED = fields({"binary_data_size": {**NUMBER, "description": "of bytes behind the JSON, in place of `data`"}})
_OUTPUT = fields({**_TENSOR, "data": listed({}), "parameters": _SIZED})


def _inference(many: Mapping[str, object]) -> Schema:
    tensor = {
        "name": {"const": "image"},
        "datatype": {"const": "BYTES"},
        "shape": listed(NUMBER, minItems=1, maxItems=2),
        "data": listed(BASE64, **many),
        "parameters": _SIZED,
    }
    wanted = {"name": {"enum": ["text", "confidence"]}, "parameters": fields({"binary_data": YES_OR_NO})}
    return {
        "id": TEXT,
        "inputs": listed(fields(tensor, ("name", "datatype", "shape")), minItems=1, maxItems=1),
        "outputs": listed(fields(wanted, ("name",))),
        "parameters": fields({"binary_data_output": YES_OR_NO}),
    }


def _optional(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _renamed(properties: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    return {names.get(name, name): schema for name, schema in properties.items()}
