"""The check before a training, in a process of its own, so that nothing of it can reach the training that follows.

In one process tensorflow shares compiled functions between networks; and a crash here must not be one there.
"""

import multiprocessing
from concurrent.futures.process import BrokenProcessPool

from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.errors import TrainerError
from trainer.framework import hide_gpus, import_keras
from trainer.progress import Progress, Silent


def check(config: TrainConfig, packed: PackedSet, progress: Progress) -> None:
    """Do what `trainer.training.check` does, on the CPU, and say what came of it.

    Raises:
        TrainerError: there is a measured reason why this network cannot learn, or its export is not right.
        EngineError: the exported graph cannot be reloaded.
    """
    progress.say("First a network that is thrown away: it learns two batches by heart, is exported and read back")
    others = {*multiprocessing.active_children()}
    try:
        with parallel.processes(1) as pool:
            try:
                progress.say(pool.submit(_check, config, packed).result())
            except KeyboardInterrupt:  # workers leave Ctrl-C to this process, which would wait until it is done
                for worker in {*multiprocessing.active_children()} - others:
                    worker.kill()
                raise
    except BrokenProcessPool as error:
        raise TrainerError(
            "the process that tried the network out was killed or crashed, as it may for want of memory: try a "
            "smaller network or smaller pictures"
        ) from error


def _check(config: TrainConfig, packed: PackedSet) -> str:
    hide_gpus()
    import_keras()
    from trainer.training import check as checks  # noqa: PLC0415 - these import keras
    from trainer.training import device  # noqa: PLC0415

    device.prepare(config, "float32")
    return str(checks.check(config, packed, Silent(), lenient=True))
