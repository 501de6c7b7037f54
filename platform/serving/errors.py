"""What a request can fail with. `codes` holds what each of these is called outside, in every transport.

ServingError
├── BadRequestError         the request itself is wrong: no picture, broken base64, a wrong type
├── UnreadablePictureError  this picture cannot be read (not a picture, damaged)
├── TooLargeError           a picture or request over a limit
├── UnknownModelError       a site, type, name or size that no model has
├── NotReadyError           no model is there at all yet
├── OverloadedError         the queue is full, or the service is draining: try again later
├── DeadlineError           the deadline passed before the work was started
├── UnauthenticatedError    no key or signature, or a wrong one
│   └── LegacySignatureError    with the code that captcha_platform has for it
├── ForbiddenError          the key is not for this, or the address is not allowed
├── QuotaExceededError      this caller asks too often
└── ModelFailedError        the model itself failed, through no fault of the request

Beside them, at the start of the service: ListenError (an address that cannot be listened on) and its PortBusyError.
"""

from contract.problems import shortened

LONGEST_MESSAGE = 2000
"""Characters. Messages quote what was sent, and an answer must not be larger than its request."""


class ServingError(Exception):
    """Base of what a request can fail with; the message is for the caller."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message, LONGEST_MESSAGE))


class BadRequestError(ServingError):
    """The request itself is wrong."""


class InvalidBase64Error(BadRequestError):
    """Text that is no base64."""


class UnreadablePictureError(ServingError):
    """A picture that cannot be read; `__cause__` is the contract's PictureError."""


class TooLargeError(ServingError):
    """A picture or a request over a limit."""


class UnknownModelError(ServingError):
    """A site, type, name or size that no model has."""


class NotReadyError(ServingError):
    """No model is there at all."""


class OverloadedError(ServingError):
    """The queue is full or the service is draining."""


class DeadlineError(ServingError):
    """The deadline passed before the work was started."""


class UnauthenticatedError(ServingError):
    """No key or signature, or a wrong one."""


class LegacySignatureError(UnauthenticatedError):
    """A wrong signature in the way of captcha_platform.

    Attributes:
        code: its number for what is wrong.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ForbiddenError(ServingError):
    """The key is not for this, or the address is not allowed."""


class QuotaExceededError(ServingError):
    """This caller asks too often.

    Attributes:
        seconds: until it may ask again.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class ListenError(OSError):
    """An address that cannot be listened on."""


class PortBusyError(ListenError):
    """A port that another program listens on."""


class ModelFailedError(ServingError):
    """The model itself failed on this picture, through no fault of the request."""
