"""Requests of the Open Inference Protocol: pictures in a BYTES tensor, as base64 in JSON or as its binary extension."""

import struct
from collections.abc import Sequence

from serving import pictures
from serving.errors import BadRequestError
from serving.http.bodies import parse_object
from serving.pictures import Payload, RequestLimits

INPUT = {"name": "image", "datatype": "BYTES", "shape": [-1]}
OUTPUTS = (
    {"name": "text", "datatype": "BYTES", "shape": [-1]},
    {"name": "confidence", "datatype": "FP64", "shape": [-1]},
)

_LENGTH = struct.Struct("<I")  # stands before each element of a binary BYTES tensor

Request = dict[str, object]


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
        return request, pictures.from_files(_elements(content[header_length:]), limits)
    return request, pictures.from_texts(_flat(tensor.get("data")), limits)


def wanted_outputs(request: Request) -> list[str]:
    """Return the names of the outputs that a request asks for; all when it names none.

    Raises:
        BadRequestError: an output that there is not.
    """
    known = [str(output["name"]) for output in OUTPUTS]
    wanted = request.get("outputs")
    if not wanted:
        return known
    if not isinstance(wanted, list):
        raise BadRequestError("'outputs' must be a list of objects with a name")
    names = [output.get("name") if isinstance(output, dict) else output for output in wanted]
    for name in names:
        if name not in known:
            raise BadRequestError(f"there is no output {name!r}; there are {', '.join(known)}")
    return [name for name in known if name in names]


def _tensor(request: Request) -> dict[str, object]:
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadRequestError("'inputs' must be a list of one tensor")
    tensor: dict[str, object] = inputs[0]
    if tensor.get("datatype") != "BYTES":
        raise BadRequestError(f"the tensor's datatype is {tensor.get('datatype')!r}; pictures are sent as BYTES")
    return tensor


def _flat(data: object) -> Sequence[object]:
    if not isinstance(data, list):
        raise BadRequestError("the tensor's 'data' must be a list of pictures, each in base64")
    return [item for row in data for item in (row if isinstance(row, list) else [row])]


def _elements(content: bytes) -> list[bytes]:
    elements = []
    position = 0
    while position < len(content):
        if position + _LENGTH.size > len(content):
            raise BadRequestError("the binary tensor is cut off in the length of an element")
        (length,) = _LENGTH.unpack_from(content, position)
        position += _LENGTH.size
        if position + length > len(content):
            raise BadRequestError(f"the binary tensor is cut off: an element of {length} bytes starts at {position}")
        elements.append(content[position : position + length])
        position += length
    return elements
