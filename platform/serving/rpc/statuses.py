"""From what a request can fail with to gRPC statuses."""

from grpc import StatusCode

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

# Not RESOURCE_EXHAUSTED for what is too large: clients try that again, and it would be as large again.
_STATUSES: tuple[tuple[type[ServingError], StatusCode], ...] = (
    (BadRequestError, StatusCode.INVALID_ARGUMENT),
    (UnreadablePictureError, StatusCode.INVALID_ARGUMENT),
    (TooLargeError, StatusCode.INVALID_ARGUMENT),
    (UnknownModelError, StatusCode.NOT_FOUND),
    (UnauthenticatedError, StatusCode.UNAUTHENTICATED),
    (ForbiddenError, StatusCode.PERMISSION_DENIED),
    (QuotaExceededError, StatusCode.RESOURCE_EXHAUSTED),
    (NotReadyError, StatusCode.UNAVAILABLE),
    (OverloadedError, StatusCode.UNAVAILABLE),
    (DeadlineError, StatusCode.DEADLINE_EXCEEDED),
)


def status_of(error: ServingError) -> StatusCode:
    """Return the gRPC status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), StatusCode.INTERNAL)
