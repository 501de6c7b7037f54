"""What an operator can ask for while the service runs: load, unload, pin, roll back. Until the service ends.

Nothing is done here: the wishes change, and the loader acts on them soon after, as on anything else.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from contract.spec import version_key
from serving.answer import ModelStatus
from serving.errors import UnknownModelError
from serving.policy import Wishes

_USABLE = frozenset({"discovered", "validating", "loading", "warming", "standby", "active", "draining", "unloaded"})


class Steered(Protocol):
    """The loader as this module sees it."""

    @property
    def statuses(self) -> Sequence[ModelStatus]:
        """Every version that is known, with its state."""

    def wish(self, change: Callable[[Wishes], Wishes]) -> None:
        """Change what the operator wants."""


class Administration:
    """Turns requests into wishes; implements `http.facilities.Administers`.

    Args:
        loader: acts on them.
    """

    def __init__(self, loader: Steered) -> None:
        self._loader = loader

    def load(self, name: str) -> None:
        """Serve a model again that was unloaded; raises UnknownModelError."""
        self._versions(name)
        self._loader.wish(lambda wishes: replace(wishes, off=wishes.off - {name}))

    def unload(self, name: str) -> None:
        """Serve a model no more, whatever is in the folders; raises UnknownModelError."""
        self._versions(name)
        self._loader.wish(lambda wishes: replace(wishes, off=wishes.off | {name}))

    def pin(self, name: str, version: str) -> None:
        """Serve this version and no other.

        Raises:
            UnknownModelError: it is not there, or cannot serve.
        """
        usable = [one.version for one in self._versions(name) if one.state in _USABLE]
        found = next((one for one in usable if same_version(one, version)), None)
        if found is None:
            raise UnknownModelError(f"{name} has no version {version} that can serve; there are: {_listed(usable)}")
        self._loader.wish(lambda wishes: replace(wishes, pinned={**wishes.pinned, name: found}))

    def unpin(self, name: str) -> None:
        """Serve the highest version again; raises UnknownModelError."""
        self._versions(name)

        def without(wishes: Wishes) -> Wishes:
            return replace(wishes, pinned={key: value for key, value in wishes.pinned.items() if key != name})

        self._loader.wish(without)

    def rollback(self, name: str) -> str:
        """Pin the next lower version that can serve, and return it.

        Raises:
            UnknownModelError: there is none.
        """
        version = previous(self._versions(name))
        if version is None:
            raise UnknownModelError(
                f"there is no earlier version of {name} to go back to: leave its files in the folders"
            )
        self.pin(name, version)
        return version

    def _versions(self, name: str) -> list[ModelStatus]:
        versions = [one for one in self._loader.statuses if one.name == name]
        if not versions:
            raise UnknownModelError(f"there is no model {name!r}")
        return versions


def previous(versions: Sequence[ModelStatus]) -> str | None:
    """Return the highest usable version below the active one; None if there is none, or nothing is active."""
    active = max((version_key(one.version) for one in versions if one.state == "active"), default=None)
    if active is None:
        return None
    lower = [one.version for one in versions if one.state in _USABLE and version_key(one.version) < active]
    return max(lower, key=version_key, default=None)


def same_version(one: str, other: str) -> bool:
    """Whether two texts mean the same version; False for a text that is no version."""
    try:
        return version_key(one) == version_key(other)
    except ValueError:
        return False


def _listed(versions: Sequence[str]) -> str:
    return ", ".join(sorted(set(versions), key=version_key)) or "none"
