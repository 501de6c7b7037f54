"""Typed YAML: frozen models that refuse unknown keys at every depth and report every problem at once."""

import difflib
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from contract.errors import ConfigError


class StrictModel(BaseModel):
    """Base of every section: frozen, no unknown keys, and no silent conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML in which a repeated key is an error, not a silent overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, typing.Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, typing.Hashable) else id(key))
        return super().construct_mapping(node, deep=deep)


Model = TypeVar("Model", bound=BaseModel)


def parse_yaml(text: str | bytes, source: str) -> Any:  # noqa: ANN401 - YAML is any tree until a model has checked it
    """Parse YAML safely.

    Args:
        text: the YAML, in UTF-8 if bytes.
        source: what to call it in errors.

    Raises:
        ConfigError: it is no YAML, with line and column, or a key stands twice in one section.
    """
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - derives from SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(source, [f"not valid YAML: {where}{error.problem or error.context}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(source, [f"not valid YAML: {error}"]) from error


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - as parse_yaml
    """Parse a YAML file; raises ConfigError also when the file is missing or unreadable."""
    try:
        return parse_yaml(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror or error}"]) from error


def validate(model: type[Model], tree: object, source: str) -> Model:
    """Check a parsed tree against a model.

    Raises:
        ConfigError: every problem found, each with its key path; an unknown key with the key probably meant.
    """
    if not isinstance(tree, dict):
        raise ConfigError(source, [f"expected sections with keys, found {_describe(tree)}"])
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(source, [_sentence(model, problem) for problem in error.errors()]) from error


def close_match(word: str, known: typing.Iterable[str]) -> str:
    """Return " (did you mean 'X'?)" for the nearest known word, or nothing."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[matches[0]]!r}?)" if matches else ""


def _sentence(model: type[BaseModel], problem: ErrorDetails) -> str:
    location = [part for part in problem["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
    path = ".".join(str(part) for part in location) or "the whole file"
    if problem["type"] == "extra_forbidden":
        section = _model_at(model, location[:-1])
        known = section.model_fields if section else ()
        name = str(location[-1])
        return f"{path}: unknown key{close_match(name, known) or _known_keys(known)}"
    if problem["type"] == "missing":
        return f"{path}: missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "should be", 1)
    if problem["type"].endswith("_type") and isinstance(problem["input"], float) and "string" in message:
        return f"{path}: {message}; put the value in quotes: '{problem['input']}'"
    if problem["type"] in {"value_error", "assertion_error"}:
        return f"{path}: {message}"
    return f"{path}: {message}, found {_describe(problem['input'])}"


def _known_keys(known: typing.Iterable[str]) -> str:
    names = ", ".join(known)
    return f"; the keys here are {names}" if names else ""


def _model_at(model: type[BaseModel], path: list[int | str]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for part in path:
        if current is None:
            return None
        if isinstance(part, str) and part in current.model_fields:
            current = _find_model(current.model_fields[part].annotation)
    return current


def _find_model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return next((found for arg in typing.get_args(annotation) if (found := _find_model(arg))), None)
    return None


def _describe(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
