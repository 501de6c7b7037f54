"""Places for calls, of which one client gets no more than its share."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import OverloadedError


class Places:
    """Places, taken and given back. Safe from many threads.

    Args:
        most: that there are.
        share: that one owner may have; None for all of them.
        what: is placed, for messages.
    """

    def __init__(self, most: int, share: int | None = None, what: str = "calls") -> None:
        self._most = most
        self._share = share or most
        self._what = what
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, owner: str = "") -> Iterator[None]:
        """Hold a place.

        Raises:
            OverloadedError: there is none, or the owner has its share.
        """
        with self._changed:
            if self._taken[owner] >= self._share or self._taken.total() >= self._most:
                raise OverloadedError(f"too many {self._what} at once: try again later")
            self._taken[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[owner] -= 1
                self._taken += Counter()  # forget owners that have none
                self._changed.notify_all()

    def wait_until_free(self, seconds: float) -> None:
        """Wait until no place is taken, or for so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken.total(), seconds)
