"""Which threads and processes go first where there are fewer processors than want one."""

import contextlib
import os
import sys

LEAST = 19  # no priority is lower


def stand_back(steps: int, behind: int, who: int = 0) -> None:
    """Let others go first; on Windows, and in a sandbox that forbids it, nothing happens and all works without.

    Args:
        steps: of niceness, at most as many as there are.
        behind: the number of a process or, on Linux, of a thread, whose own niceness they are added to.
        who: number of who stands back, likewise; 0 for the caller.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, behind) + steps
            os.setpriority(os.PRIO_PROCESS, who, min(LEAST, niceness))
