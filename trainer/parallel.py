"""Work in worker processes that begin empty: on all cores with the results in order, or apart from this process."""

import collections
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar

from trainer.errors import TrainerError

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 64  # items per message to a worker: enough to hide the message, few enough to keep the bar moving
WORTH_SECONDS = 0.4  # of work left, by the first chunk; below this, starting workers takes longer than they save
WINDOWS_MOST = 61  # processes that Python can wait for at once there
AHEAD = 4  # chunks in flight for each worker: bounds the memory that finished results wait in


def worker_count(threads: int | None) -> int:
    """Return how many processes to use: `System.Threads`, or else every core this process may run on."""
    if threads is not None:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    function: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], workers: int
) -> Iterator[list[Result]]:
    """Apply a function to chunks of items on several cores, or only here if there is little to do.

    Args:
        function: takes some items, returns a result for each; importable by name, as are the items, for workers.
        items: what to work on.
        workers: at most so many processes, this one among them: it is at work while the others start, which takes as
            long as some thousand pictures.

    Yields:
        The results chunk by chunk, in the order of the items.

    Raises:
        TrainerError: a worker was ended from outside.
        Exception: whatever `function` raised.
    """
    chunks = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
    started = time.perf_counter()
    yield from map(function, itertools.islice(chunks, 1))
    left = (time.perf_counter() - started) * (len(items) / CHUNK - 1)
    if workers == 1 or left < WORTH_SECONDS:
        yield from map(function, chunks)
        return
    try:
        with processes(workers - 1) as pool:
            yield from _shared(pool, function, chunks, ahead=AHEAD * (workers - 1))
    except BrokenProcessPool as error:
        raise TrainerError(
            "a process at work on the pictures was ended from outside, perhaps for want of memory: lower "
            "System.Threads, and run the command again"
        ) from error


def _shared(
    pool: ProcessPoolExecutor,
    function: Callable[[Sequence[Item]], list[Result]],
    chunks: Iterable[Sequence[Item]],
    ahead: int,
) -> Iterator[list[Result]]:
    """Do one chunk here whenever the workers have enough to do: `ahead` chunks that are under way or wait for them.

    When there is nothing else left, do here what still waits for them.
    """
    remaining = iter(chunks)
    under_way: collections.deque[_UnderWay[Item, Result]] = collections.deque()
    while True:
        wanted = ahead - sum(not chunk.result.done() for chunk in under_way)
        under_way.extend(
            _UnderWay(chunk, pool.submit(function, chunk)) for chunk in itertools.islice(remaining, wanted)
        )
        mine = next(remaining, None)
        if mine is None:
            break
        under_way.append(_UnderWay(mine, _done(function(mine))))
        while under_way and under_way[0].result.done():
            yield under_way.popleft().result.result()
    for number in reversed(range(len(under_way))):  # workers take the first of what waits for them; this one the last
        if under_way[number].result.cancel():
            under_way[number] = _UnderWay((), _done(function(under_way[number].items)))
    for chunk in under_way:
        yield chunk.result.result()


class _UnderWay(NamedTuple, Generic[Item, Result]):
    items: Sequence[Item]
    result: Future[list[Result]]


def _done(result: list[Result]) -> Future[list[Result]]:
    future: Future[list[Result]] = Future()
    future.set_result(result)
    return future


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield worker processes. They leave Ctrl-C to this process, and end with it, however it ends."""
    # spawn: a fork would copy tensorflow's locks, and is not there on Windows.
    context = multiprocessing.get_context("spawn")
    workers = min(workers, WINDOWS_MOST) if sys.platform == "win32" else workers
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def bounded(
    pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """Yield what a function makes of each item in the workers, in order; at most `ahead` are under way or wait.

    Raises:
        Exception: whatever `function` raised.
    """
    remaining = iter(items)
    waiting: collections.deque[Future[Result]] = collections.deque(
        pool.submit(function, item) for item in itertools.islice(remaining, ahead)
    )
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(function, item) for item in itertools.islice(remaining, 1))


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A killed parent says nothing; without this, its workers would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
