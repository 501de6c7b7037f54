"""Wakes the loader when something happens in the folders, if the package watchdog is installed (extra `watch`).

Events get lost, or never come, on network folders for one. So they tell when to look, and never what is there.
"""

import importlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)

# Not the opening and closing of files that are read: the scan itself does that.
_KINDS = ("FileCreatedEvent", "FileModifiedEvent", "FileClosedEvent", "FileMovedEvent", "FileDeletedEvent")


class Events:
    """Watches folders between `with` and its end.

    Args:
        folders: to watch, without those below them.
        wake: called from a thread of its own at each event.

    Attributes:
        watched: folders of which events come.
    """

    def __init__(self, folders: Sequence[Path], wake: Callable[[], None]) -> None:
        self.watched: list[Path] = []
        self._folders = folders
        self._wake = wake
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        try:
            events = importlib.import_module("watchdog.events")
            observers = importlib.import_module("watchdog.observers")
        except ImportError:
            _log.debug("no file events: the package watchdog is not installed; new models are seen by the scan")
            return self
        handler = events.FileSystemEventHandler()
        handler.on_any_event = lambda _event: self._wake()
        observer = observers.Observer()
        observer.start()  # before the folders: else it fails for all of them when one cannot be watched
        self._stop = observer.stop
        for folder in self._folders:
            try:
                observer.schedule(handler, str(folder), event_filter=[getattr(events, kind) for kind in _KINDS])
            except OSError as error:  # it is not there, or the system has no watches left
                _log.info("no file events of %s: %s; new models are seen by the scan", folder, error)
            else:
                self.watched.append(folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
