"""In whose form an error is told: ours, captcha_platform's, the Open Inference Protocol's or another system's.

A route tells its own errors. Those before and beside it (no key, another method, a body that is too large, too many
requests at once) have only the path of the request to go by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from serving.codes import Code
from serving.http.answers import Body, error_body, renamed
from serving.http.dropin import FAILURES
from serving.http.options import HttpOptions

_THEIRS_TOO = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE})
"""What the other systems answer in their own form as well; their clients know of no keys, quotas and methods."""


@dataclass(frozen=True)
class Trouble:
    """An error, before it has a form.

    Attributes:
        status: of HTTP.
        code: with its bare text.
        message: of the code and what else there is to say.
    """

    status: int
    code: Code
    message: str


@dataclass(frozen=True)
class Refusal:
    """An error as a client is told it."""

    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


class Wording:
    """Gives errors the form that the client of a path expects.

    Args:
        options: of this installation.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._captcha = options.captcha_paths
        self._others = {FAILURES[system].path: FAILURES[system] for system in options.drop_in}

    def told(self, path: str, trouble: Trouble, uid: str, *, native: bool = False) -> Refusal:
        """Return how an error is told.

        Args:
            path: of the request; empty if it had none.
            trouble: what is wrong.
            uid: of the request.
            native: whether the client asked for our own form.
        """
        path = path.rstrip("/")
        body = error_body(trouble.message, trouble.code.number, uid)
        other = self._others.get(path)
        if other and trouble.status in _THEIRS_TOO:
            return Refusal(HTTPStatus.OK, dict(other.body), other.headers)
        if path in self._captcha:
            return Refusal(trouble.status, body) if native else self._as_before(trouble, body)
        if path == "/v2" or path.startswith("/v2/"):
            body = {"error": trouble.message, **body}
        return Refusal(trouble.status, body)

    def _as_before(self, trouble: Trouble, body: Body) -> Refusal:
        status = trouble.status
        if self._options.legacy_http200:
            body, status = {**body, "message": trouble.code.message}, HTTPStatus.OK
        return Refusal(status, renamed(body, self._options.answer_names))
