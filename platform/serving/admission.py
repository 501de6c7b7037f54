"""What is looked at before any picture is decoded: decoding for a flooded model would take time from the others."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from contract import image
from contract.errors import PictureError, PictureTooLargeError
from contract.image import Limits
from serving.answer import Hints
from serving.errors import OverloadedError, TooLargeError, UnreadablePictureError
from serving.pool import Session
from serving.routing import Route, Routes


def refuse_if_full(left: Sequence[Route[Session]]) -> None:
    """Refuse a request if no model that could answer it has room: before its pictures are looked at.

    Args:
        left: the models that the hints leave.

    Raises:
        OverloadedError: all their queues are full.
    """
    if all(route.target.batcher.room <= 0 for route in left):
        raise OverloadedError("the queues are full: try again later")


def target_of(
    routes: Routes[Session], left: Sequence[Route[Session]], hints: Hints, picture: bytes, limits: Limits
) -> tuple[Session, int]:
    """Return what will read a picture, by the size in its header, and how many pixels that means.

    Args:
        routes: of this moment.
        left: the models that the hints leave.
        hints: of the request.
        picture: as it came.
        limits: of each picture.

    Raises:
        UnreadablePictureError: the header is that of no picture.
        TooLargeError: the picture is over a limit.
        UnknownModelError: no model reads it.
    """
    with picture_errors():
        width, height = image.size_of(picture, limits)
    return routes.choose(left, hints, (width, height)).target, width * height


@contextmanager
def picture_errors() -> Iterator[None]:
    """Raise what is wrong with a picture as an error of the service."""
    try:
        yield
    except PictureTooLargeError as error:
        raise TooLargeError(str(error)) from error
    except PictureError as error:
        raise UnreadablePictureError(str(error)) from error
