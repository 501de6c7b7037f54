"""Which model answers: site, then type, then name, then the size of the picture, then the default model.

Each word of a request narrows the choice, so that all of them hold for the model that answers. Without any word the
size of the picture must be the model's; with one, a model of that size is preferred. Among equals the higher version
comes first, then the higher priority, then the name. The name may have the model's size behind it, as `digits&160x60`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from contract.problems import shortened
from contract.spec import ModelSpec, version_key
from serving.answer import Hints
from serving.errors import NotReadyError, ServingError, UnknownModelError

Target = TypeVar("Target")
Size = tuple[int, int]  # width, height in pixels

LONGEST_QUOTE = 100  # characters that are quoted of a site, type or name that nobody has


@dataclass(frozen=True, eq=False)
class Route(Generic[Target]):
    """One active version, and where to send its pictures."""

    spec: ModelSpec
    target: Target
    priority: int = 0

    @property
    def size(self) -> Size:
        """The (width, height) in pixels of the pictures that the model was made for."""
        return self.spec.Model.ImageWidth, self.spec.Model.ImageHeight


class Routes(Generic[Target]):
    """All active versions at one moment. Never changes: a swap puts another one in its place."""

    def __init__(self, routes: Iterable[Route[Target]] = (), default: str = "") -> None:
        names_first = sorted(routes, key=lambda route: route.spec.Model.ModelName)
        self.all = tuple(sorted(names_first, key=_rank, reverse=True))
        self.default = next((route for route in self.all if route.spec.Model.ModelName == default), None)
        self._by_site = _index(self.all, lambda route: route.spec.Model.Sites)
        self._by_type = _index(self.all, lambda route: [route.spec.Model.ModelType])
        self._by_name = _index(self.all, lambda route: [route.spec.Model.ModelName])
        self._by_graph = _index(self.all, _graph_names)
        self._by_size = _index(self.all, lambda route: [route.size])

    def narrow(self, hints: Hints) -> Sequence[Route[Target]]:
        """Return the models that all words of a request hold for, best first.

        Raises:
            NotReadyError: no model is there at all.
            UnknownModelError: no model is left; the message lists what is there.
        """
        if not self.all:
            raise NotReadyError("no model is loaded yet; see /v2/models for what is there")
        left: Sequence[Route[Target]] = self.all
        said = [
            ("site", hints.site, self._by_site),
            ("type", hints.type, self._by_type),
            ("name", hints.name, self._by_graph if hints.name in self._by_graph else self._by_name),
        ]
        for word, value, index in said:
            if value:
                found = index.get(value, ())
                left = [route for route in left if route in found] if left is not self.all else found
                if not left:
                    raise _unknown(word, value, hints, index)
        return left

    def choose(self, left: Sequence[Route[Target]], hints: Hints, size: Size) -> Route[Target]:
        """Return the model for one picture.

        Args:
            left: from `narrow` with the same hints; not empty.
            hints: of the request.
            size: (width, height) in pixels of the picture as it came.

        Raises:
            UnknownModelError: nothing was said, no model has this size, and there is no default.
        """
        fitting = self._by_size.get(size, ())
        chosen = next((route for route in left if route in fitting), None)
        if chosen:
            return chosen
        if hints != Hints():
            return left[0]
        if self.default:
            return self.default
        sizes = ", ".join(f"{width}x{height}" for width, height in sorted(self._by_size))
        raise UnknownModelError(
            f"no model reads pictures of {size[0]}x{size[1]}; there are {sizes}: send the picture as it was, or name a "
            "model"
        )

    def ambiguities(self) -> list[str]:
        """Return one sentence for each size, site or type that more than one model answers to."""
        shared = {f"site {site}": routes for site, routes in self._by_site.items()}
        shared |= {f"type {kind}": routes for kind, routes in self._by_type.items() if kind}
        shared |= {f"size {width}x{height}": routes for (width, height), routes in self._by_size.items()}
        names = {what: [route.spec.Model.ModelName for route in routes] for what, routes in shared.items()}
        return [f"{what}: {found[0]} comes before {', '.join(found[1:])}" for what, found in names.items() if found[1:]]


def _rank(route: Route[Target]) -> tuple[tuple[int, ...], int]:
    return version_key(route.spec.Model.Version), route.priority


def _graph_names(route: Route[Target]) -> list[str]:
    width, height = route.size
    return [f"{route.spec.Model.ModelName}&{width}x{height}"]  # what captcha_platform called it at first


Key = TypeVar("Key", bound=Hashable)


def _index(
    routes: Sequence[Route[Target]], keys: Callable[[Route[Target]], Iterable[Key]]
) -> dict[Key, tuple[Route[Target], ...]]:
    found: dict[Key, list[Route[Target]]] = defaultdict(list)
    for route in routes:
        for key in dict.fromkeys(keys(route)):
            found[key].append(route)
    return {key: tuple(value) for key, value in found.items()}


def _unknown(word: str, value: str, hints: Hints, index: Mapping[str, object]) -> ServingError:
    there = ", ".join(sorted(key for key in index if key)) or "none"
    if value in index:
        return UnknownModelError(f"no model is at once {_words(hints)}")
    return UnknownModelError(f"no model has the {word} {_quoted(value)}; there are: {there}")


def _words(hints: Hints) -> str:
    said = {"site": hints.site, "type": hints.type, "name": hints.name}
    return " and ".join(f"{word} {_quoted(value)}" for word, value in said.items() if value)


def _quoted(value: str) -> str:
    return repr(shortened(value, LONGEST_QUOTE))  # what follows it in the message shall be seen too
