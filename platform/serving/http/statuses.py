"""From what a request can fail with to HTTP statuses."""

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

_STATUSES: tuple[tuple[type[ServingError], int], ...] = (
    (BadRequestError, 400),
    (UnreadablePictureError, 400),
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (UnknownModelError, 404),
    (TooLargeError, 413),
    (QuotaExceededError, 429),
    (NotReadyError, 503),
    (OverloadedError, 503),
    (DeadlineError, 504),
)

RETRY_SECONDS = 1
"""What Retry-After says: a queue of pictures empties in less, and a first model is looked for every second."""


def status_of(error: ServingError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
