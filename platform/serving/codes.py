"""What each error is called outside: the code of captcha_platform, the status of HTTP, the status of gRPC."""

from typing import NamedTuple

from contract.errors import DamagedPictureError
from serving.answer import Hints
from serving.errors import (
    BadRequestError,
    DeadlineError,
    ForbiddenError,
    InvalidBase64Error,
    LegacySignatureError,
    NotReadyError,
    OverloadedError,
    QuotaExceededError,
    ServingError,
    TooLargeError,
    UnauthenticatedError,
    UnknownModelError,
    UnreadablePictureError,
)


class Code(NamedTuple):
    """A number with the fixed text that goes with it."""

    number: int
    message: str


DONE = Code(0, "")
INVALID_FORMAT = Code(500001, "Invalid Image Format")
INVALID_BASE64 = Code(500002, "Invalid Base64 String")
DAMAGED = Code(500003, "Image Damage")
UNKNOWN_SIZE = Code(500004, "Image Size Not Match Graph Value")
NO_MODEL = Code(-999, "")
UNKNOWN_MODEL = Code(999, "")
INTERNAL = Code(500, "Internal Server Error")


class Standing(NamedTuple):
    """What a kind of error is called.

    Attributes:
        code: of captcha_platform. The errors that it did not know have the number of their HTTP status, as its other
            errors had.
        http: status.
        grpc: name of the status.
    """

    code: Code
    http: int
    grpc: str


# A kind before those that it is one of. Too large is not RESOURCE_EXHAUSTED: clients try that again, and it would be as
# large again.
_STANDINGS: tuple[tuple[type[ServingError], Standing], ...] = (
    (InvalidBase64Error, Standing(INVALID_BASE64, 400, "INVALID_ARGUMENT")),
    (BadRequestError, Standing(Code(400, "Bad Request"), 400, "INVALID_ARGUMENT")),
    (UnreadablePictureError, Standing(INVALID_FORMAT, 400, "INVALID_ARGUMENT")),
    (UnauthenticatedError, Standing(Code(401, "Unauthorized"), 401, "UNAUTHENTICATED")),
    (ForbiddenError, Standing(Code(403, "Forbidden"), 403, "PERMISSION_DENIED")),
    (UnknownModelError, Standing(UNKNOWN_MODEL, 404, "NOT_FOUND")),
    (TooLargeError, Standing(Code(413, "Request Entity Too Large"), 413, "INVALID_ARGUMENT")),
    (QuotaExceededError, Standing(Code(429, "Too Many Requests"), 429, "RESOURCE_EXHAUSTED")),
    (NotReadyError, Standing(NO_MODEL, 503, "UNAVAILABLE")),
    (OverloadedError, Standing(Code(503, "Service Unavailable"), 503, "UNAVAILABLE")),
    (DeadlineError, Standing(Code(504, "Gateway Timeout"), 504, "DEADLINE_EXCEEDED")),
    (ServingError, Standing(INTERNAL, 500, "INTERNAL")),
)


def standing_of(kind: type[ServingError]) -> Standing:
    """Return what a kind of error is called."""
    return next(standing for known, standing in _STANDINGS if issubclass(kind, known))


def code_of(error: ServingError, hints: Hints) -> Code:
    """Return the code of an error.

    Args:
        error: what a request or one picture of it failed with.
        hints: of that request; without any, a model can only have been looked for by the picture's size.
    """
    if isinstance(error, UnreadablePictureError) and isinstance(error.__cause__, DamagedPictureError):
        return DAMAGED
    if isinstance(error, UnknownModelError) and hints == Hints():
        return UNKNOWN_SIZE
    if isinstance(error, LegacySignatureError):
        return Code(error.code, str(error))
    return standing_of(type(error)).code


def explain(error: ServingError, code: Code) -> str:
    """Return the fixed text of a code, where it has one, followed by what this error says."""
    return ": ".join(dict.fromkeys(part for part in (code.message, str(error)) if part))
