"""The code numbers and messages of captcha_platform, which its clients look at, and which error has which."""

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

# The errors that captcha_platform did not know have the number of their HTTP status, as its other errors had.
_CODES: tuple[tuple[type[ServingError], Code], ...] = (
    (InvalidBase64Error, INVALID_BASE64),
    (BadRequestError, Code(400, "Bad Request")),
    (UnauthenticatedError, Code(401, "Unauthorized")),
    (ForbiddenError, Code(403, "Forbidden")),
    (TooLargeError, Code(413, "Request Entity Too Large")),
    (QuotaExceededError, Code(429, "Too Many Requests")),
    (NotReadyError, NO_MODEL),
    (OverloadedError, Code(503, "Service Unavailable")),
    (DeadlineError, Code(504, "Gateway Timeout")),
)


def code_of(error: ServingError, hints: Hints) -> Code:
    """Return the code of an error.

    Args:
        error: what a request or one picture of it failed with.
        hints: of that request; without any, a model can only have been looked for by the picture's size.
    """
    if isinstance(error, UnreadablePictureError):
        return DAMAGED if isinstance(error.__cause__, DamagedPictureError) else INVALID_FORMAT
    if isinstance(error, UnknownModelError):
        return UNKNOWN_SIZE if hints == Hints() else UNKNOWN_MODEL
    if isinstance(error, LegacySignatureError):
        return Code(error.code, str(error))
    return next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL)


def explain(error: ServingError, code: Code) -> str:
    """Return the fixed text of a code, where it has one, followed by what this error says."""
    return ": ".join(dict.fromkeys(part for part in (code.message, str(error)) if part))
