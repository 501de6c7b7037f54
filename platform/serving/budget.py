"""Bytes of pictures that are being answered: bounded in all, and no model may hold all of them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from serving.errors import OverloadedError, TooLargeError

_SHARE = 0.75  # of the whole that one model may hold: a flood of large pictures leaves room for other models


class Budget:
    """Counts them. Safe from many threads.

    Args:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._by_model: dict[str, int] = {}  # of those that hold something
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Hold the bytes of a request while it is answered.

        Raises:
            TooLargeError: it could never be held.
            OverloadedError: there is no room now.
        """
        if size > self._limit:
            raise TooLargeError(f"the pictures have {size:,} bytes; the limit of all requests is {self._limit:,}")
        with self._lock:
            if self._used + size > self._limit:
                raise OverloadedError(f"{self._used:,} bytes of pictures are being answered: try again later")
            self._used += size
        try:
            yield
        finally:
            with self._lock:
                self._used -= size

    @contextmanager
    def share(self, sizes: Mapping[str, int]) -> Iterator[None]:
        """Count bytes that are held by model, all or none. What a model holds alone may always be held.

        Raises:
            OverloadedError: a model would hold more than its share.
        """
        with self._lock:
            for name, size in sizes.items():
                held = self._by_model.get(name, 0)
                if held and held + size > _SHARE * self._limit:
                    raise OverloadedError(f"{held:,} bytes of pictures wait for {name}: try again later")
            for name, size in sizes.items():
                self._by_model[name] = self._by_model.get(name, 0) + size
        try:
            yield
        finally:
            with self._lock:
                for name, size in sizes.items():
                    self._by_model[name] -= size
                    if not self._by_model[name]:
                        del self._by_model[name]
