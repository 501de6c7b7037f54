"""What is refused before any work is done for it: decoding for a flooded model would take time from the others."""

from collections.abc import Sequence

from contract import image
from contract.errors import PictureError
from contract.image import Limits
from serving.answer import Hints
from serving.errors import OverloadedError, UnknownModelError
from serving.pool import Session
from serving.routing import Route, Routes


def refuse_if_full(
    routes: Routes[Session], left: Sequence[Route[Session]], hints: Hints, pictures: Sequence[bytes], limits: Limits
) -> None:
    """Refuse a request of which a picture would find its model's queue full; the picture's header says which model.

    Args:
        routes: of this moment.
        left: the models that the hints leave.
        hints: of the request.
        pictures: of the request.
        limits: of each picture.

    Raises:
        OverloadedError: one of them has no room.
    """
    full = [route for route in left if route.target.batcher.full]
    if not full:
        return
    if len(full) == len(left) or any(_target(routes, left, hints, picture, limits) in full for picture in pictures):
        raise OverloadedError("the queues are full: try again later")


def _target(
    routes: Routes[Session], left: Sequence[Route[Session]], hints: Hints, picture: bytes, limits: Limits
) -> Route[Session] | None:
    try:
        return routes.choose(left, hints, image.size_of(picture, limits))
    except (PictureError, UnknownModelError):
        return None  # it will be answered with that
