"""Work on all cores in worker processes that import no tensorflow, with the results in order."""

import collections
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 64  # items per message to a worker: enough to hide the message, few enough to keep the bar moving
SMALL = 8 * CHUNK  # below this, starting workers takes longer than the work
AHEAD = 4  # chunks in flight for each worker: bounds the memory that finished results wait in


def worker_count(threads: int | None) -> int:
    """Return how many processes to use: `System.Threads`, or else every core this process may run on."""
    if threads is not None:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    function: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], workers: int
) -> Iterator[list[Result]]:
    """Apply a function to chunks of items in worker processes, or in this one if they are few.

    Args:
        function: takes some items, returns a result for each; importable by name, as are the items, for workers.
        items: what to work on.
        workers: at most so many processes.

    Yields:
        The results chunk by chunk, in the order of the items.

    Raises:
        Exception: whatever `function` raised.
    """
    chunks = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
    if workers == 1 or len(items) < SMALL:
        yield from map(function, chunks)
        return
    # spawn: a fork would copy tensorflow's locks, and is not there on Windows.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_parent) as pool:
        try:
            yield from _bounded(pool, function, chunks, ahead=AHEAD * workers)
        finally:
            pool.shutdown(cancel_futures=True)


def _bounded(
    pool: ProcessPoolExecutor,
    function: Callable[[Sequence[Item]], list[Result]],
    chunks: Iterable[Sequence[Item]],
    ahead: int,
) -> Iterator[list[Result]]:
    remaining = iter(chunks)
    waiting: collections.deque[Future[list[Result]]] = collections.deque(
        pool.submit(function, chunk) for chunk in itertools.islice(remaining, ahead)
    )
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(function, chunk) for chunk in itertools.islice(remaining, 1))


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
