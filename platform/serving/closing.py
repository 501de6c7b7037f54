"""The end of a version: closed after its last request, and its memory given back."""

import logging

from engine.pauses import Pause
from serving import memory
from serving.ledger import Ledger
from serving.pool import Pool, Session
from serving.states import State

_log = logging.getLogger(__name__)


def close_drained(pool: Pool, ledger: Ledger, pause: Pause) -> None:
    """Close the sessions that no request holds any more; on the loader's thread.

    Args:
        pool: hands them over.
        ledger: is told.
        pause: called between the pieces of it.
    """
    drained = pool.take_drained()
    if not drained:
        return
    while drained:
        pause()
        _close(drained.pop(), ledger)
    memory.release(pause)


def _close(session: Session, ledger: Ledger) -> None:
    try:
        session.close()
    except Exception:  # noqa: BLE001 - it is out of the routes already, and the loader has more to do
        _log.exception("%s %s could not be closed", session.name, session.version)
    if ledger.state(session.key) is State.DRAINING:  # else the same bytes have been loaded again meanwhile
        ledger.reenter(session.key, State.UNLOADED, "closed after its last request")
