"""Work done ahead by a thread: what the next step needs is ready when the last one ends."""

import contextlib
import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

LOOK_EVERY = 0.1  # seconds between two looks of a full queue at whether it is still wanted


@dataclass(frozen=True)
class _End:
    error: BaseException | None


def ahead(items: Generator[Item, None, None], count: int) -> Generator[Item, None, None]:
    """Yield items that a thread has made ahead; closing this closes them.

    Args:
        items: made in the thread.
        count: how many may wait.

    Raises:
        BaseException: whatever making them raised.
    """
    ready: queue.Queue[Item | _End] = queue.Queue(count)
    unwanted = threading.Event()
    thread = threading.Thread(target=_make, args=(items, ready, unwanted), daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        unwanted.set()
        thread.join()


def _make(items: Generator[Item, None, None], ready: "queue.Queue[Item | _End]", unwanted: threading.Event) -> None:
    end = _End(None)
    try:
        with contextlib.closing(items):
            for item in items:
                _put(item, ready, unwanted)
                if unwanted.is_set():
                    return
    except BaseException as error:  # noqa: BLE001 - raised again where the items are wanted
        end = _End(error)
    _put(end, ready, unwanted)


def _put(item: Item, ready: "queue.Queue[Item]", unwanted: threading.Event) -> None:
    while not unwanted.is_set():
        with contextlib.suppress(queue.Full):
            ready.put(item, timeout=LOOK_EVERY)
            return
