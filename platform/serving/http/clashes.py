"""Names and paths of the settings that would get in each other's way."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import get_args

from serving.http.options import DropIn, KnownRoute

_SCRIPTS = ("page", "charts", "pictures", "models", "console", "docs")
PAGES = frozenset({"/", "/console.css", "/docs", *(f"/{name}.js" for name in _SCRIPTS)})
"""Paths of the console and the reference."""

_OWN = frozenset({"/metrics", "/openapi.json"})
_OWN_TREES = ("/v2", "/admin")
_PATHS: Mapping[DropIn, frozenset[str]] = {
    DropIn.CNN_CAPTCHA: frozenset({"/b"}),
    DropIn.CAPTCHA_IDENTIFICATION: frozenset({"/captcha"}),
    DropIn.TENSORFLOW_101: frozenset({"/predict", "/ping"}),
}
_SIGNED = frozenset({"sign", "timestamp", "accessKey"})  # of captcha_platform's signature
_READ_ANYHOW: Mapping[str, str] = {"need_color": "", "output_split": "split_char"} | dict.fromkeys(_SIGNED, "")
"""Names of requests that mean something whatever the others are called, and which of our fields they are for."""


def answer_clashes(fields: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name that two fields of an answer would have.

    Args:
        fields: all our names.
        names: our name to the one that is used instead.
    """
    called = {field: names.get(field, field) for field in fields}
    return [
        f"{' and '.join(repr(field) for field in called if called[field] == name)} would both be called {name!r}"
        for name, times in Counter(called.values()).items()
        if times > 1
    ]


def request_clashes(fields: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name that two fields of a request would have, or that means something else there.

    Args:
        fields: all our names.
        names: our name to the one that is used instead.
    """
    taken = [
        f"{name!r} for {field!r} means something else already"
        for field, name in names.items()
        if _READ_ANYHOW.get(name, field) != field
    ]
    return [*answer_clashes(fields, names), *taken]


def path_clashes(
    routes: Mapping[KnownRoute, Sequence[str]], drop_in: Collection[DropIn], *, console: bool
) -> list[str]:
    """Return a sentence for each further path that is another route's already.

    Args:
        routes: a route to its further paths.
        drop_in: other systems whose routes are there.
        console: whether the pages are there.
    """
    known: tuple[str, ...] = get_args(KnownRoute)
    taken = {*known, *_OWN, *(PAGES if console else ()), *(path for system in drop_in for path in _PATHS[system])}
    found = []
    for path in (path.rstrip("/") or "/" for paths in routes.values() for path in paths):
        if path in taken or any(path == tree or path.startswith(f"{tree}/") for tree in _OWN_TREES):
            found.append(f"{path!r} is a route already")
        taken.add(path)
    return found
