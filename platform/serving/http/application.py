"""Flask, without work that it does for each request and that is the same for all of them.

Flask asks at every turn whether there are coroutines, sessions, and hooks of blueprints, and puts together each time
what it could remember. None of that is used here; without it a request costs a fifth less before and behind its view.
"""

from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

_HOSTS: Final = 256  # names of this service that are remembered; any client can send another one


class _NoSessions(SessionInterface):
    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - Flask's signature
        return self._none


class Application(Flask):
    """Flask with hooks of the whole application only, for functions that are no coroutines, and without sessions.

    It looks only once at each name that clients have for this service: Flask checks that a Host header is a name and
    encodes it (IDNA) for each request, although no route here depends on it.
    """

    session_interface = _NoSessions()

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self._server_names: dict[str, str] = {}

    def refuse_other_hooks(self) -> None:
        """See to it that nobody relies on what is not called here; to be called when all routes are there.

        Raises:
            TypeError: a blueprint has hooks of its own, or there are such for the end of a request.
        """
        begin, end = self.before_request_funcs, self.after_request_funcs
        others = [self.url_value_preprocessors, self.teardown_request_funcs, self.teardown_appcontext_funcs]
        if any(others) or {*begin, *end} - {None}:
            raise TypeError("only before_request and after_request of the application are called: see Application")

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view or hook as it is."""
        return func

    def preprocess_request(self) -> None:
        """Call the hooks of `before_request`, which answer nothing themselves: they let a request in, or raise."""
        for hook in self.before_request_funcs.get(None, ()):
            hook()

    def process_response(self, response: Response) -> Response:
        """Call the hooks of `after_request`."""
        for hook in reversed(self.after_request_funcs.get(None, ())):
            response = hook(response)
        return response

    def do_teardown_request(self, *_: object) -> None:
        """Do nothing: there are no such hooks."""

    def do_teardown_appcontext(self, *_: object) -> None:
        """Do nothing: there are no such hooks."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request; raises as Flask does of a host that is no name."""
        if request is None:
            return None
        environ = request.environ
        host = environ.get("HTTP_HOST", "")
        known = self._server_names.get(host)
        if known is None or "HTTP_UPGRADE" in environ:  # which may change the scheme
            adapter = super().create_url_adapter(request)
            if host and adapter and len(self._server_names) < _HOSTS:
                self._server_names[host] = adapter.server_name
            return adapter
        return MapAdapter(
            self.url_map,
            known,
            environ.get("SCRIPT_NAME", ""),
            self.url_map.default_subdomain,
            environ["wsgi.url_scheme"],
            _decoded(environ.get("PATH_INFO", "")),
            environ["REQUEST_METHOD"],
            _decoded(environ.get("QUERY_STRING", "")),
        )


def _decoded(text: str) -> str:
    """Return what a client meant by text of WSGI, which has a character for each byte (PEP 3333)."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")
