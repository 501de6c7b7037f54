"""What a request can fail with. The transports hold the table from these to HTTP and gRPC statuses.

ServingError
├── BadRequestError         the request itself is wrong: no picture, broken base64, a wrong type
├── UnreadablePictureError  this picture cannot be read (not a picture, damaged)
├── TooLargeError           a picture or request over a limit
├── UnknownModelError       a site, type, name or size that no model has
├── NotReadyError           no model is there at all yet
├── OverloadedError         the queue is full, or the service is draining: try again later
└── DeadlineError           the deadline passed before the work was started
"""


class ServingError(Exception):
    """Base of what a request can fail with; the message is for the caller."""


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
