"""How many files and connections the operating system lets this process have open."""

import logging
import sys

SPARE = 512
"""Beside the connections: models, libraries, logs, files of requests."""

_log = logging.getLogger(__name__)


def allow(wanted: int) -> None:
    """Raise the limit of this process so far, where the system has such a limit; logs a warning if it may not."""
    if sys.platform == "win32":
        return  # sockets do not count there
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        _log.warning(
            "this process may have %d files open, and as many connections as are allowed need %d: raise the hard limit "
            "(ulimit -Hn), or lower Http.Connections",
            most,
            wanted,
        )
