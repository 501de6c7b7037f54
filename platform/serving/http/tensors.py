"""Tensors of the Open Inference Protocol: pictures come in one, texts and confidences go out in two.

Each is JSON, pictures then in base64, or follows behind the JSON as bytes: the protocol's binary_tensor_data.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving import pictures
from serving.answer import Answer
from serving.errors import BadRequestError
from serving.http.bodies import parse_object
from serving.pictures import Payload, RequestLimits

INPUT = {"name": "image", "datatype": "BYTES", "shape": [-1]}
OUTPUTS = (
    {"name": "text", "datatype": "BYTES", "shape": [-1]},
    {"name": "confidence", "datatype": "FP64", "shape": [-1]},
)

_LENGTH = struct.Struct("<I")  # stands before each element of a binary BYTES tensor

_LONGEST_ID = 200

_MOST_AXES = 2  # a column of pictures is as good as a row

Request = dict[str, object]
Tensor = dict[str, object]


@dataclass(frozen=True)
class Wanted:
    """An output that a request asks for, and whether as bytes."""

    name: str
    binary: bool


def parse_inference(content: bytes, header_length: int | None, limits: RequestLimits) -> tuple[Request, list[Payload]]:
    """Parse the body of an inference request.

    Args:
        content: JSON, followed by the tensor's bytes when header_length is given.
        header_length: bytes of JSON at the start, from the header Inference-Header-Content-Length.
        limits: of one request.

    Returns:
        The JSON object and the pictures of its one tensor.

    Raises:
        BadRequestError: not such a request.
        TooLargeError: over a limit.
    """
    if header_length is not None and not 0 < header_length <= len(content):
        raise BadRequestError(f"Inference-Header-Content-Length is {header_length}; the body has {len(content)} bytes")
    request = parse_object(content[:header_length])
    tensor = _tensor(request)
    if header_length is not None and "data" not in tensor:
        payloads = pictures.from_files(
            _elements(_behind(content[header_length:], tensor), limits.max_pictures + 1), limits
        )
    else:
        payloads = pictures.from_texts(_flat(tensor.get("data")), limits)
    _check_shape(tensor, len(payloads))
    return request, payloads


def wanted_outputs(request: Request) -> list[Wanted]:
    """Return the outputs that a request asks for; all when it names none.

    Raises:
        BadRequestError: an output that there is not.
    """
    known = [str(output["name"]) for output in OUTPUTS]
    binary = _parameters(request).get("binary_data_output") is True
    asked = request.get("outputs") or known
    if not isinstance(asked, list):
        raise BadRequestError("'outputs' must be a list of objects with a name")
    wanted: dict[object, Wanted] = {}
    for output in asked:
        name = output.get("name") if isinstance(output, dict) else output
        if name not in known:
            raise BadRequestError(f"there is no output {name!r}; there are {', '.join(known)}")
        how = _parameters(output) if isinstance(output, dict) else {}
        wanted[name] = Wanted(name, how.get("binary_data", binary) is True)
    return [wanted[name] for name in known if name in wanted]


def identified(request: Mapping[str, object]) -> dict[str, object]:
    """Return the `id` of a request as its answer repeats it; nothing if it has none, or null.

    Raises:
        BadRequestError: it is no text, or a long one.
    """
    name = request.get("id")
    if name is None:
        return {}
    if not isinstance(name, str) or len(name) > _LONGEST_ID:
        raise BadRequestError(f"'id' must be a text of at most {_LONGEST_ID} characters")
    return {"id": name}


def outputs_of(answers: Sequence[Answer], wanted: Sequence[Wanted]) -> tuple[list[Tensor], bytes]:
    """Return the tensors of some answers as JSON, and what stands behind it for those that are wanted as bytes."""
    texts = [answer.text for answer in answers]
    confidences = [answer.confidence for answer in answers]
    values: Mapping[str, Sequence[object]] = {"text": texts, "confidence": confidences}
    tensors, behind = [], b""
    for output in OUTPUTS:
        for one in (one for one in wanted if one.name == output["name"]):
            tensor: Tensor = {**output, "shape": [len(answers)]}
            if one.binary:
                content = _packed(texts) if one.name == "text" else struct.pack(f"<{len(answers)}d", *confidences)
                behind += content
                tensor["parameters"] = {"binary_data_size": len(content)}
            else:
                tensor["data"] = values[one.name]
            tensors.append(tensor)
    return tensors, behind


def _packed(texts: Sequence[str]) -> bytes:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return b"".join(_LENGTH.pack(len(text)) + text for text in encoded)


def _parameters(of: Mapping[str, object]) -> Mapping[str, object]:
    parameters = of.get("parameters")
    if not isinstance(parameters, dict | None):
        raise BadRequestError("'parameters' must be an object")
    return parameters or {}


def _behind(content: bytes, tensor: Tensor) -> bytes:
    size = _parameters(tensor).get("binary_data_size", len(content))
    if size != len(content):
        raise BadRequestError(f"binary_data_size is {size!r}; behind the JSON there are {len(content)} bytes")
    return content


def _check_shape(tensor: Tensor, count: int) -> None:
    shape = tensor.get("shape")
    sizes = [size for size in shape if type(size) is int and size >= 0] if isinstance(shape, list) else []
    if shape != sizes or not 1 <= len(sizes) <= _MOST_AXES or math.prod(sizes) != count:
        raise BadRequestError(
            f"the tensor's shape is {str(shape)[:50]}; its data holds {count} pictures: send [{count}]"
        )


def _tensor(request: Request) -> Tensor:
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadRequestError("'inputs' must be a list of one tensor")
    tensor: Tensor = inputs[0]
    if tensor.get("name") != INPUT["name"]:
        raise BadRequestError(f"there is no input {tensor.get('name')!r}; there is {INPUT['name']!r}")
    if tensor.get("datatype") != "BYTES":
        raise BadRequestError(f"the tensor's datatype is {tensor.get('datatype')!r}; pictures are sent as BYTES")
    return tensor


def _flat(data: object) -> Sequence[object]:
    if not isinstance(data, list):
        raise BadRequestError("the tensor's 'data' must be a list of pictures, each in base64")
    return [item for row in data for item in (row if isinstance(row, list) else [row])]


def _elements(content: bytes, most: int) -> list[bytes]:
    elements: list[bytes] = []
    position = 0
    while position < len(content) and len(elements) < most:
        if position + _LENGTH.size > len(content):
            raise BadRequestError("the binary tensor is cut off in the length of an element")
        (length,) = _LENGTH.unpack_from(content, position)
        position += _LENGTH.size
        if position + length > len(content):
            raise BadRequestError(f"the binary tensor is cut off: an element of {length} bytes starts at {position}")
        elements.append(content[position : position + length])
        position += length
    return elements
