"""The child process of `engine.preflight`: it opens models that may be the end of it.

Requests come over standard input, pickled and with the bytes of the graph behind them, each of both after its length;
one line of JSON goes out for each. When standard input ends, so does the process, whatever it is doing: it never
outlives its parent.
"""

import contextlib
import json
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from contract.errors import ContractError
from contract.problems import shortened
from engine import THROUGHPUT, open_model
from engine.child import LENGTH_BYTES, READY, YIELDING
from engine.niceness import LEAST, stand_back
from engine.preflight import Request, TrialLimits
from engine.proof import prove
from engine.quiet import import_tensorflow
from engine.room import NOT_SPARED, lacks_memory, memory_left, within_what_is_left

_MAX_WRITTEN = 1024 * 1024  # bytes of a file; what it says while it dies is one
_LONGEST_REASON = 4000  # characters; its JSON is then well below `child.MAX_LINE`
_NICENESS = 10
_Task = tuple[Request, bool, bytes]

_TRIALS = 100  # then a fresh process goes on: whatever tensorflow keeps of each model is gone


def main() -> None:
    """Try models until none comes for a while, or enough have come."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no answer
    requests: queue.Queue[_Task] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    _step_back(yielding=bool(os.environ.get(YIELDING)))
    import_tensorflow()
    answers.write(READY)
    limits = TrialLimits()
    with contextlib.suppress(queue.Empty):
        for _ in range(_TRIALS):
            request, yielding, graph = requests.get(timeout=limits.idle)
            # Not before: tensorflow and other trials have taken theirs by now.
            memory = within_what_is_left(request.limits.memory, memory_left())
            limits = replace(request.limits, memory=memory)
            _restrict(limits)
            if yielding:
                _yield()
            outcome = try_model(replace(request, limits=limits), graph)
            answers.write(json.dumps(excused(outcome, request.limits.memory, memory)).encode() + b"\n")
    os._exit(0)  # an orderly end would abort over the thread that reads


def excused(outcome: Mapping[str, object], asked: int, allowed: int) -> Mapping[str, object]:
    """Return an outcome that is not hopeless if a model wanted more memory than it was allowed, of what was asked for.

    Args:
        outcome: from `try_model`.
        asked: bytes of memory that trials may take.
        allowed: bytes that this one could have.
    """
    if allowed >= asked or not lacks_memory(str(outcome["reason"])):
        return outcome
    return {"reason": f"{outcome['reason']}; {NOT_SPARED.format(allowed)}", "hopeless": False}


def try_model(request: Request, graph: bytes) -> dict[str, object]:
    """Open and prove a model.

    Returns:
        `reason`, empty if all is well and otherwise not too long for a line of the answer, and whether it is
        `hopeless`, which means that these bytes must not be tried again.
    """
    try:
        reader = open_model(request.model, graph, threads=THROUGHPUT)
        try:
            prove(reader, request.max_batch)
        finally:
            reader.close()
    except ContractError as error:
        return {"reason": shortened(str(error), _LONGEST_REASON), "hopeless": True}
    except MemoryError:
        reason = f"{request.model.Graph.File}: it needs more than {request.limits.memory:,} bytes of memory"
        return {"reason": reason, "hopeless": True}
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent wants to know
        reason = f"{request.model.Graph.File}: {type(error).__name__}: {error}"
        return {"reason": shortened(reason, _LONGEST_REASON), "hopeless": False}
    return {"reason": "", "hopeless": False}


def _listen(stream: BinaryIO, requests: queue.Queue[_Task]) -> None:
    while True:
        request, yielding = pickle.loads(_part(stream))  # noqa: S301 - from the process that started this one
        requests.put((request, yielding, _part(stream)))


def _part(stream: BinaryIO) -> bytes:
    length = int.from_bytes(stream.read(LENGTH_BYTES), "big")
    content = stream.read(length)
    if not length or len(content) < length:
        os._exit(0)
    return content


def _step_back(*, yielding: bool) -> None:
    """Let requests that are served meanwhile go first, and let the kernel end this process before any other."""
    if yielding:
        _yield()
    else:
        stand_back(_NICENESS, behind=os.getppid())  # on Windows the parent has seen to it
    with contextlib.suppress(OSError):  # not on this system, or not allowed: only a precaution is missing
        Path("/proc/self/oom_score_adj").write_text("1000")


def _yield() -> None:
    """Run only while nothing else wants to, from now on. There is no way back without privileges."""
    stand_back(LEAST, behind=os.getppid())
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not allowed in some containers: then it is only very nice
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _restrict(limits: TrialLimits) -> None:
    """Limit what one trial may use beyond what this process uses now. Windows has no such limits."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    cores = os.cpu_count() or 1
    wanted = {
        resource.RLIMIT_CPU: int(time.process_time() + limits.seconds * cores) + 1,
        resource.RLIMIT_FSIZE: _MAX_WRITTEN,
        resource.RLIMIT_CORE: 0,
    }
    if (statm := Path("/proc/self/statm")).exists():
        pages = int(statm.read_text().split()[0])
        wanted[resource.RLIMIT_AS] = pages * resource.getpagesize() + limits.memory
    for kind, limit in wanted.items():
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main()
