"""Runs a load: a crowd of workers, each of which takes the next request that is due and waits for its moment."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.load.samples import Sample
from serving.load.senders import Sender

_WAKE_SECONDS = 0.5  # a wait without end would not see Ctrl-C on Windows


@dataclass(frozen=True)
class Picture:
    """A picture to send, its label if that is known, and what makes texts and labels alike that are."""

    content: bytes
    label: str | None = None
    fold: Callable[[str], str] = str

    def is_read(self, text: str) -> bool | None:
        """Return whether a text is what the picture shows; None if that is not known."""
        return None if self.label is None else self.fold(text) == self.fold(self.label)


def run(due: Sequence[float], pictures: Sequence[Picture], connect: Sequence[Callable[[], Sender]]) -> list[Sample]:
    """Send a request at each moment that one is due.

    Args:
        due: in seconds from now, ascending.
        pictures: taken in turn.
        connect: makes what each worker sends with. Requests that are due while all workers wait for answers start
            late; their total time counts from when they were due.

    Returns:
        A sample of each request, in order.
    """
    return run_with(due, pictures, [opened() for opened in connect])  # here, where the caller sees what goes wrong


def run_with(due: Sequence[float], pictures: Sequence[Picture], senders: Sequence[Sender]) -> list[Sample]:
    """Send as `run` does, from now on, however long it took to make the senders.

    Args:
        due: in seconds from now, ascending.
        pictures: taken in turn.
        senders: one for each worker.
    """
    crowd = _Crowd(due, pictures)
    workers = [threading.Thread(target=crowd.work, args=(sender,), daemon=True) for sender in senders]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(_WAKE_SECONDS)
    return sorted(crowd.samples, key=lambda sample: sample.index)


class _Crowd:
    def __init__(self, due: Sequence[float], pictures: Sequence[Picture]) -> None:
        self.samples: list[Sample] = []
        self._due = due
        self._pictures = pictures
        self._next = iter(range(len(due)))
        self._lock = threading.Lock()
        self._start = time.perf_counter()

    def work(self, sender: Sender) -> None:
        while (index := self._take()) is not None:
            self._wait_until(self._due[index])
            sample = self._send(index, sender)
            with self._lock:
                self.samples.append(sample)
        sender.close()

    def _take(self) -> int | None:
        with self._lock:
            return next(self._next, None)

    def _now(self) -> float:
        return time.perf_counter() - self._start

    def _wait_until(self, moment: float) -> None:
        left = moment - self._now()
        if left > 0:
            time.sleep(left)

    def _send(self, index: int, sender: Sender) -> Sample:
        picture = self._pictures[index % len(self._pictures)]
        sent = self._now()
        outcome = sender.send(picture.content)
        right = None if outcome.error else picture.is_read(outcome.text)
        return Sample(index, self._due[index], sent, self._now(), outcome.text, outcome.error, outcome.worked, right)
