"""Flask, without work that it does for each request and that is the same for all of them."""

from typing import Final

from flask import Flask, Request
from werkzeug.routing import MapAdapter

_HOSTS: Final = 256  # names of this service that are remembered; any client can send another one


class Application(Flask):
    """Flask that looks only once at each name that clients have for this service.

    It checks that a Host header is a name and encodes it (IDNA) for each request, although no route here depends on it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self._server_names: dict[str, str] = {}

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request; raises as Flask does of a host that is no name."""
        environ = request.environ if request else {}
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
