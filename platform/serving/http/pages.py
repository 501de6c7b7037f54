"""The console and the reference: files beside this module, sent as they are. Nothing comes from anywhere else."""

from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Response

from serving.http.answers import json_response
from serving.http.options import HttpOptions

FOLDER = Path(__file__).parent / "page_files"
FILES = {
    "/": "console.html",
    "/console.css": "console.css",
    "/page.js": "page.js",
    "/charts.js": "charts.js",
    "/pictures.js": "pictures.js",
    "/models.js": "models.js",
    "/console.js": "console.js",
    "/docs": "docs.html",
    "/docs.js": "docs.js",
}
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_routes(options: HttpOptions, document: Callable[[], dict[str, object]]) -> Blueprint:
    """Return the routes of the pages, where they are wanted, and of the OpenAPI document.

    Args:
        options: whether there are pages.
        document: builds the OpenAPI document.
    """
    routes = Blueprint("pages", __name__)
    routes.add_url_rule("/openapi.json", "openapi", lambda: json_response(document()))
    if options.console:
        for path, name in FILES.items():
            routes.add_url_rule(path, name.replace(".", "_"), _sends(FOLDER / name))
    return routes


def _sends(path: Path) -> Callable[[], Response]:
    content = path.read_bytes()
    kind = _KINDS[path.suffix]

    def send() -> Response:
        response = Response(content, content_type=f"{kind}; charset=utf-8")
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-cache"
        return response

    return send
