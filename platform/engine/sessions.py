"""How tensorflow's sessions use the cores.

Spare time is what a thread of Linux's class SCHED_IDLE gets: it computes only while a core has nothing else to do. That
thread is tensorflow's own and never has the interpreter. A thread of Python at that priority would keep all others from
it for as long as the machine is busy.
"""

import functools
import os
import threading

import tensorflow as tf

from contract.spec import Arithmetic
from engine.threads import CALLER, Threads

_POOL = "spare"  # of this process: sessions that name it share its thread


def config(threads: Threads, arithmetic: Arithmetic, *, flows: bool, native: bool) -> tf.compat.v1.ConfigProto:
    """Return the configuration of a session on the CPU.

    Args:
        threads: how it shares the cores.
        arithmetic: that it is computed in.
        flows: whether its graph has loops or branches.
        native: whether the graph is our own export.
    """
    made = tf.compat.v1.ConfigProto(
        device_count={"GPU": 0},
        intra_op_parallelism_threads=threads.inside,
        inter_op_parallelism_threads=threads.between,
        use_per_session_threads=True,  # else the first model of a process decides `between` for all
    )
    if threads.between == CALLER and not flows:  # loops and branches: that executor cannot run them
        made.experimental.executor_type = "SINGLE_THREADED_EXECUTOR"
    rewriter = made.graph_options.rewrite_options
    if arithmetic == "bfloat16":
        rewriter.auto_mixed_precision_onednn_bfloat16 = rewriter.ON
    elif native:
        # Our export leaves little to rewrite: a run takes 1 to 2 % longer without, and loading a quarter of its time.
        rewriter.disable_meta_optimizer = True
    return made


@functools.cache
def there_is_spare_time() -> bool:
    """Make the thread of this process for it; False on other systems, or in a sandbox that forbids it."""
    made: list[bool] = []
    # Threads begin with the priority of whoever makes them, and this one cannot get its own back.
    maker = threading.Thread(target=lambda: made.append(_make()), name="spare-maker")
    maker.start()
    maker.join()
    return made == [True]


def in_spare_time(usual: tf.compat.v1.ConfigProto) -> tf.compat.v1.ConfigProto:
    """Return a session's configuration with the thread for spare time in place of its own."""
    changed = tf.compat.v1.ConfigProto()
    changed.CopyFrom(usual)
    changed.inter_op_parallelism_threads = 0
    changed.experimental.executor_type = ""  # the single-threaded one knows only the caller's thread
    changed.session_inter_op_thread_pool.add(num_threads=1, global_name=_POOL)
    return changed


def _make() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):
        return False
    alone = Threads(inside=1, between=CALLER)  # the first session of a process decides `inside` for all
    tf.compat.v1.Session(
        graph=tf.Graph(), config=in_spare_time(config(alone, "float32", flows=False, native=True))
    ).close()
    return True
