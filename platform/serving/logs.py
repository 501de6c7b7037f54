"""How the service logs: one line per event on standard error, for people or as JSON for programs.

What is logged while a request is answered carries the request's name.
"""

import json
import logging
import random
import sys
import time
from contextvars import ContextVar
from typing import Any, Literal

_request: ContextVar[str] = ContextVar("request", default="")
_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def begin_request() -> str:
    """Give the request that this thread answers from now on a name of its own, and return it."""
    name = f"{random.getrandbits(128):032x}"  # no secret: one of the system's would cost a call of it
    _request.set(name)
    return name


def request_name() -> str:
    """Return the name of the request that this thread answers; empty if it answers none."""
    return _request.get()


class TextFormatter(logging.Formatter):
    """A line for people, which ends with the name of the request if there is one; only a traceback has more lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return what comes before a traceback: in one line, so that no name of a file can feign another."""
        return " ".join(part.strip() for part in super().formatMessage(record).splitlines())

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        name = getattr(record, "request", "")
        return super().format(record) + (f" [request {name}]" if name else "")


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC), level, logger, message, and whatever the caller gave as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _PLAIN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(form: Literal["text", "json"], level: str) -> None:
    """Log to standard error from now on.

    Args:
        form: text for people, or JSON.
        level: the least important level that is printed; of other libraries never less than `info`.
    """
    handler = logging.StreamHandler(sys.stderr)
    text = TextFormatter("%(asctime)s %(levelname)-7s %(message)s")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    handler.addFilter(_named)
    least = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(logging.INFO, least), handlers=[handler], force=True)
    logging.getLogger("serving").setLevel(least)


def _named(record: logging.LogRecord) -> bool:
    name = request_name()
    if name and not hasattr(record, "request"):
        record.request = name
    return True
