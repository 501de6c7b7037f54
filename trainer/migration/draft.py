"""What a migration works with: the keys of a file until somebody takes them, and a config that takes shape."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contract.problems import sentences
from contract.strict import parse_yaml, read_bytes, validate
from trainer.config import TrainConfig
from trainer.dataset.config_file import as_yaml

SHOWN = 200  # characters of a value in a sentence

BY_DEFAULT = "left out, so that the default counts"


class Keys:
    """The keys of a file. Those that nobody takes are known in the end.

    Attributes:
        path: of the file.
        name: of the file, for sentences.
    """

    def __init__(self, path: Path) -> None:
        content = read_bytes(path)
        self.path, self.name = path, path.name
        self._tree = parse_yaml(content, str(path))
        # Where text is wanted, 1.10 and 007 count as they are written, not as the numbers that YAML makes of them.
        self._texts = yaml.load(content, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts

    @property
    def sections(self) -> frozenset[str]:
        """The names of the sections."""
        return frozenset(map(str, self._tree)) if isinstance(self._tree, dict) else frozenset()

    def take(self, *path: str) -> Any:  # noqa: ANN401 - YAML is any tree
        """Return the value at a path and forget it there; None if it is missing or empty."""
        return _parent(self._tree, path).pop(path[-1], None)

    def peek(self, *path: str) -> Any:  # noqa: ANN401 - as `take`
        """Return the value at a path, which somebody else will take."""
        return _parent(self._tree, path).get(path[-1])

    def take_text(self, *path: str) -> Any:  # noqa: ANN401 - as `take`
        """Return the value at a path with every number in it as text, as it is written; else as `take`."""
        value = self.take(*path)
        return value if value is None or isinstance(value, bool) else _parent(self._texts, path)[path[-1]]

    def rest(self) -> list[tuple[tuple[str, ...], object]]:
        """Return path and value of every key that nobody took and that holds something."""
        return list(_leaves(self._tree, ()))


class Draft:
    """A config that takes shape.

    Attributes:
        values: by section and key.
        lost: a sentence for each key that has no counterpart.
        changed: a sentence for each key that means something else here, or takes another value.
    """

    def __init__(self) -> None:
        self.values: dict[str, dict[str, object]] = {}
        self.lost: list[str] = []
        self.changed: list[str] = []

    def put(self, section: str, key: str, value: object) -> None:
        """Set a key, unless the value is None."""
        if value is not None:
            self.values.setdefault(section, {})[key] = value

    def carry(self, keys: Keys, section: str, names: Sequence[str]) -> None:
        """Take keys that have the same place and meaning here."""
        for name in names:
            self.put(section, name, keys.take(section, name))

    def carry_text(self, keys: Keys, section: str, names: Sequence[str]) -> None:
        """Take keys that hold text and have the same place and meaning here."""
        for name in names:
            self.put(section, name, keys.take_text(section, name))

    def lose(self, key: str, value: object, why: str) -> None:
        """Say that a key has no counterpart, unless it holds nothing."""
        if value is not None:
            self.lost.append(_printable(f"{key}: {_shown(value)}: {why}"))

    def change(self, key: str, sentence: str) -> None:
        """Say that a key means something else here."""
        self.changed.append(_printable(f"{key}: {sentence}"))

    def settle(self, source: str) -> None:
        """Leave out, and name, the values that cannot be used here.

        Raises:
            ConfigError: what cannot be used cannot be left out either.
        """
        try:
            TrainConfig.model_validate(self.values)
        except ValidationError as error:
            for details in error.errors():
                self._leave_out(details)
        validate(TrainConfig, self.values, source)

    def _leave_out(self, details: ErrorDetails) -> None:
        section, key = (*details["loc"], "", "")[:2]
        given = self.values.get(str(section), {})
        if key in given and not _is_required(str(section), str(key)):
            (problem,) = sentences(TrainConfig, [details])
            self.lost.append(_printable(f"{problem} ({_shown(given.pop(str(key)))}); {BY_DEFAULT}"))


def _is_required(section: str, key: str) -> bool:
    model = typing.cast("Any", TrainConfig.model_fields[section].annotation)
    return bool(model.model_fields[key].is_required())


def _parent(tree: object, path: Sequence[str]) -> dict[Any, Any]:
    for key in path[:-1]:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


def _leaves(tree: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, (*path, key))
    elif tree is not None:
        yield path, tree


def _shown(value: object) -> str:
    text = as_yaml(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _printable(sentence: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in sentence)
