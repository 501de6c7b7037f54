"""What a request waits for at one model, and what waits there for its turn."""

import threading
from dataclasses import dataclass

from contract.pixels import Pixels
from engine.reading import Reading
from serving import turns
from serving.errors import DeadlineError, ModelFailedError, ServingError
from serving.logs import request_name

Result = Reading | ServingError

NOT_STARTED = DeadlineError("the deadline passed before the picture's turn came")
STARTED = ModelFailedError("the model has not finished with this picture")


class Ticket:
    """The pictures of one request at one model: what its thread waits for.

    Attributes:
        request: name of the request, for the log.
        started: when the first of them was taken from the queue, on the clock of time.monotonic(); None before.
        results: one per picture, in order; complete once `Batcher.wait` has returned.
        seat: of the thread that waits; of nobody before.
    """

    __slots__ = ("deadline", "done", "left", "request", "results", "seat", "started")

    def __init__(self, count: int, deadline: float) -> None:
        self.deadline = deadline
        self.request = request_name()
        self.seat = turns.NOBODY
        self.started: float | None = None
        self.left = count
        self.results: list[Result] = [NOT_STARTED] * count
        # A bare lock is the cheapest thing to wait for once: it is held until the last result is there.
        self.done = threading.Lock()
        self.done.acquire()

    def put(self, index: int, result: Result) -> None:
        """Note a result; under the batcher's lock."""
        self.results[index] = result
        self.left -= 1
        if self.left == 0:
            self.seat.come_back(self.done.release)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One picture that waits.

    Attributes:
        ticket: of its request.
        index: of its result there.
        pixels: uint8 [H, W, C].
        since: when it came, on the clock of time.monotonic().
    """

    ticket: Ticket
    index: int
    pixels: Pixels
    since: float
