"""Where a set is packed: by one process at a time, in a folder of scratch files that does not outlive it."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trainer.errors import DataError
from trainer.lock import HeldError, held

SCRATCH = ".packing-"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a second packing of the same set out.

    Raises:
        DataError: another process packs the set, or trains on it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as holding:
        try:
            holding.enter_context(held(folder.with_name(f".{folder.name}.lock")))
        except HeldError as error:
            raise DataError(
                f"{folder} is in use by {error.holder}, which packs it or trains on it; run the command again when "
                "that is done"
            ) from error
        yield


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """Yield a folder for work; it is gone afterwards, as is one of a packing that was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(f"{SCRATCH}*"):
        shutil.rmtree(left_over)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        yield Path(scratch)


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave cyclic garbage alone for a while, of which packing makes next to none.

    A hundred thousand small objects make Python look for it again and again, each time in all that tensorflow has
    loaded: measured 0.2 s each.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
