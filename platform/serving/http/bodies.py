"""Request bodies in all the forms that clients send, decoded to one `Question`.

| content type                        | body                                                             |
|-------------------------------------|------------------------------------------------------------------|
| application/json                    | an object: `image` is base64, or a list of base64                |
| multipart/form-data                 | picture files under any name, or `image` as base64; other fields |
| application/x-www-form-urlencoded   | fields; or what stands below, since `curl -d` sends this type    |
| text/plain, none                    | base64; an object of JSON and raw picture bytes are recognised   |
| image/*, application/octet-stream   | raw picture bytes                                                |
"""

import json
from collections.abc import Mapping, Sequence

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from contract.formats import format_of
from serving import pictures
from serving.answer import Hints
from serving.asking import Question, refuse_color
from serving.errors import BadRequestError
from serving.pictures import Payload, RequestLimits

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_SNIFFED = {"", "text/plain", _FORM, "application/octet-stream"}
_MOST_FIELDS = 1000  # of a form, each of which costs memory, however empty it is
_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": None}


def question_of(request: Request, limits: RequestLimits, names: Mapping[str, str]) -> Question:
    """Decode a request.

    Args:
        request: of Flask; its body is read here.
        limits: of one request.
        names: what its fields are called instead of our names.

    Raises:
        ServingError: it holds no pictures, or too many, or something that is no picture.
        UnsupportedMediaType: a content type that is not in the table above.
    """
    kind = request.mimetype
    if kind == _MULTIPART:
        return _from_parts(request, limits, names)
    content = request.get_data()
    if _is_json(kind) or (kind in _SNIFFED and content[:64].lstrip().startswith(b"{")):
        return _from_fields(parse_object(content), limits, names)
    if kind.startswith("image/") or (kind in _SNIFFED and format_of(content)):
        return raw_question(content, limits)
    if kind == _FORM and content.count(b"&") > _MOST_FIELDS:
        raise BadRequestError(f"the form has more than {_MOST_FIELDS} fields")
    if kind == _FORM and names.get("image", "image") in request.form:
        return _from_fields(_form_fields(request, names), limits, names)
    if kind == "application/octet-stream":
        return raw_question(content, limits)
    if kind in _SNIFFED:
        return _asked(pictures.from_text(content.decode("latin-1"), limits))
    raise UnsupportedMediaType(
        f"{kind} is not read here: send application/json, multipart/form-data, text/plain with base64, or picture bytes"
    )


def raw_question(content: bytes, limits: RequestLimits) -> Question:
    """Return the question of a body that is nothing but picture bytes; raises as `pictures.from_content`."""
    return _asked(pictures.from_content(content, limits))


def parse_object(content: bytes) -> dict[str, object]:
    """Parse an object of JSON.

    Raises:
        BadRequestError: not that.
    """
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is no JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise BadRequestError('the JSON must be an object, as {"image": "base64 of a picture"}')
    return parsed


def _from_parts(request: Request, limits: RequestLimits, names: Mapping[str, str]) -> Question:
    files = [part.read() for _, part in request.files.items(multi=True)]
    fields = _form_fields(request, names)
    if not files:
        return _from_fields(fields, limits, names)
    return _with_fields(pictures.from_files(files, limits), fields, names, many=len(files) > 1)


def _form_fields(request: Request, names: Mapping[str, str]) -> dict[str, object]:
    name = names.get("image", "image")
    # A plus sign that a client forgot to escape arrives as a space, which a text of base64 does not hold otherwise.
    texts = [text.replace(" ", "+") for text in request.form.getlist(name)]
    return {**request.form, name: texts[0] if len(texts) == 1 else texts or None}


def _from_fields(fields: Mapping[str, object], limits: RequestLimits, names: Mapping[str, str]) -> Question:
    name = names.get("image", "image")
    image = fields.get(name)
    if isinstance(image, str):
        payloads = pictures.from_text(image, limits)
    elif isinstance(image, list):
        payloads = pictures.from_texts(image, limits)
    else:
        state = "is missing" if image is None else f"is a {type(image).__name__}"
        raise BadRequestError(f"{name!r} {state}: send a picture as base64, or a list of them")
    return _with_fields(payloads, fields, names, many=isinstance(image, list) or len(payloads) > 1)


def _with_fields(
    payloads: Sequence[Payload], fields: Mapping[str, object], names: Mapping[str, str], *, many: bool
) -> Question:
    refuse_color(fields.get("need_color"))
    return Question(
        payloads,
        Hints(
            site=_text(fields, names.get("model_site", "model_site")),
            type=_text(fields, names.get("model_type", "model_type")),
            name=_text(fields, names.get("model_name", "model_name")),
        ),
        # The later generation of captcha_platform called it output_split.
        split_char=_text(fields, names.get("split_char", "split_char")) or _text(fields, "output_split"),
        many=many,
        confidence=_flag(fields, names.get("need_confidence", "need_confidence")),
    )


def _asked(payloads: Sequence[Payload]) -> Question:
    return Question(payloads, many=len(payloads) > 1)


def _is_json(kind: str) -> bool:
    return kind in {"application/json", "text/json"} or kind.endswith("+json")


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequestError(f"{name!r} is a {type(value).__name__}: send text, or leave it out")
    return value


def _flag(fields: Mapping[str, object], name: str) -> bool | None:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return value
    known = _FLAGS.get(value.lower(), value) if isinstance(value, str) else value
    if known is None or isinstance(known, bool):
        return known
    raise BadRequestError(f"{name!r} is {value!r}: send true or false, or leave it out")
