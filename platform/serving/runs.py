"""Pictures that are read together."""

import logging
from collections.abc import Sequence

import numpy as np

from engine.reading import Reads
from serving.errors import ModelFailedError
from serving.ticket import Item, Result

_log = logging.getLogger(__name__)


class Run:
    """Pictures that are read together.

    Attributes:
        items: the pictures.
        aside: whether in spare time.
        since: when they were taken from the queue, in seconds on the clock of all times here.
        lost: whether it was taken back: what comes of it is nobody's.
    """

    def __init__(self, items: Sequence[Item], since: float, *, aside: bool) -> None:
        self.items = items
        self.aside = aside
        self.since = since
        self.lost = False


def results_of(items: Sequence[Item], read: Reads, name: str) -> Sequence[Result]:
    """Read pictures together; if that fails, one at a time, so that the fault of one is not the fault of all.

    Args:
        items: the pictures.
        read: reads pixels uint8 [N, H, W, C].
        name: of the model, for log and message.
    """
    try:
        readings = read(np.stack([item.pixels for item in items]))
        if len(readings) == len(items):
            return readings
        problem = f"{len(readings)} readings for {len(items)} pictures"
    except Exception as error:  # noqa: BLE001 - whatever a model raises is an answer, not the end of its worker
        problem = f"{type(error).__name__}: {error}"
    if len(items) > 1:
        return [result for item in items for result in results_of([item], read, name)]
    _log.error("%s failed on a picture: %s", name, problem, extra={"request": items[0].ticket.request})
    return [ModelFailedError(f"the model {name} failed on this picture; the server's log says why")]
