"""What pydantic finds wrong with a YAML file, as sentences for the person who wrote it."""

import datetime
import difflib
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_Path = tuple[str | int, ...]

# What a value should be, by the type of pydantic's error; {name} stands for a value of the error's context.
_WISHES = {
    "string_type": "text",
    "string_unicode": "text in valid Unicode",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bytes_type": "binary data (!!binary and base64)",
    "list_type": "a list",
    "dict_type": "a section with keys",
    "model_type": "a section with keys",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "string_pattern_mismatch": "text of the form {pattern}",
}
MAX_SENTENCES = 20  # about one file; whoever made hundreds of mistakes made them all in the same way
MAX_SENTENCE = 500  # characters
_MAX_ERRORS = 1000  # of pydantic's that are looked at; one mistake may be several
_MAX_NUMBER_BITS = 256  # beyond, hexadecimal: Python refuses to print more than 4,300 digits of any other kind
_SCIENTIFIC = re.compile(r"([-+]?\d{1,9}(?:\.\d{0,9})?)[eE]([-+]?\d{1,3})")
_KEY = "[key]"  # pydantic's mark for a problem with the key of a mapping, not with its value


@dataclass(frozen=True)
class _Problem:
    """One error of pydantic, found again in the model.

    Attributes:
        path: the keys that lead to it, as in the file.
        choice: how many of them lead to the innermost value that may have several types; None without such a value.
        section: the model that holds the last key, if it is known.
        expected: the type expected, if it is known.
    """

    path: _Path
    choice: int | None
    section: type[BaseModel] | None
    expected: Any
    details: ErrorDetails


def sentences(model: type[BaseModel], errors: Sequence[ErrorDetails]) -> list[str]:
    """Return one sentence per problem, each starting with the path of its key; of many, the first and their number.

    A value that may have several types fails once for each of them: that is one problem for a person.
    """
    groups = list(_grouped([_locate(model, details) for details in errors[:_MAX_ERRORS]]))
    told = [shortened(_sentence(group), MAX_SENTENCE) for group in groups[:MAX_SENTENCES]]
    more = len(groups) - len(told) + len(errors[_MAX_ERRORS:])
    return [*told, f"and {more:,} more"] if more else told


def close_match(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'X'?)" for the nearest known word, or nothing."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[matches[0]]!r}?)" if matches else ""


def describe(value: object) -> str:
    """Return a value of a YAML file in a few words; never the whole of a large one."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, bytes):
        return "binary data"
    return shortened(_printed(value), 60)


def _printed(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > _MAX_NUMBER_BITS:
        return hex(value)
    return repr(value) if isinstance(value, str) else str(value)


def shortened(text: str, most: int) -> str:
    """Return a text, or what fits into so many characters of it, with dots behind."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _locate(model: type[BaseModel], details: ErrorDetails) -> _Problem:
    path: list[str | int] = []
    choice, section, expected = None, None, model
    for part in details["loc"]:
        members = _members(expected)
        if len(members) > 1:  # this part names no key, only the type that was tried
            choice, expected = len(path), _member(members, str(part))
            continue
        section = _as_model(members[0])
        expected = _inside(members[0], part)
        path.append(part)
    return _Problem(tuple(path), choice, section, expected, details)


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401 - any type expression
    bare = _bare(annotation)
    if isinstance(bare, types.UnionType) or typing.get_origin(bare) is typing.Union:
        return [member for part in typing.get_args(bare) if part is not types.NoneType for member in _members(part)]
    return [annotation]


def _member(members: Sequence[Any], tag: str) -> Any:  # noqa: ANN401 - any type expression
    for member in members:
        model = _as_model(member)
        if model and any(tag in map(str, typing.get_args(field.annotation)) for field in model.model_fields.values()):
            return member  # a union that a key tells apart
        name = getattr(typing.get_origin(_bare(member)) or _bare(member), "__name__", None)
        if name and name in tag:
            return member
    return None


def _inside(annotation: Any, part: str | int) -> Any:  # noqa: ANN401 - any type expression
    model = _as_model(annotation)
    if model:
        field = model.model_fields.get(str(part))
        return Annotated[field.annotation, field] if field else None
    arguments = typing.get_args(_bare(annotation))
    return arguments[-1] if arguments and typing.get_origin(_bare(annotation)) in {list, dict} else None


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - any type expression
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation


def _as_model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type expression
    bare = _bare(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _grouped(problems: Sequence[_Problem]) -> Iterator[list[_Problem]]:
    """Put together what is wrong with one value; what is wrong inside it says best which type was meant."""
    by_path: dict[_Path, list[_Problem]] = {}
    for problem in problems:
        by_path.setdefault(problem.path, []).append(problem)
    inner = {problem.path[: problem.choice] for problem in problems if problem.choice not in {None, len(problem.path)}}
    for path, group in by_path.items():
        if path not in inner:
            yield group


def _sentence(group: Sequence[_Problem]) -> str:
    first = group[0]
    kind, found = first.details["type"], first.details["input"]
    if kind == "extra_forbidden":
        known = first.section.model_fields if first.section else ()
        key = shortened(str(first.path[-1]), 60)
        advice = close_match(key, known) or f"; the keys here are {', '.join(known)}"
        return f"{_text(first.path)}: unknown key{advice}"
    if kind == "missing":
        return f"{_text(first.path)}: missing"
    if kind in {"value_error", "assertion_error"}:
        return _of_validator(first)
    if kind == "invalid_key":  # pydantic gives it a path of its own making
        return f"{_text(first.path[:-1])}, key {describe(found)}: should be text, {_misread(found) or 'and is none'}"
    wishes = [wish for wish in dict.fromkeys(_wish(problem) for problem in group) if wish]
    if not wishes:
        return f"{_text(first.path)}: {first.details['msg']}, found {describe(found)}"
    misread = (_misread(found) if "text" in wishes else None) or (_number(found) if "a number" in wishes else None)
    seen = misread or f"found {describe(found)}"
    return f"{_text(first.path)}: should be {' or '.join(wishes)}, {seen}"


def _number(value: object) -> str | None:
    """Say how to write a number that YAML 1.1 takes for text (section "float": a point, and the exponent's sign)."""
    found = _SCIENTIFIC.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    mantissa, exponent = found.groups()
    point = "" if "." in mantissa else ".0"
    return f"but YAML takes {value} for text: write {mantissa}{point}e{int(exponent):+d}"


def _text(path: _Path) -> str:
    if path and path[-1] == _KEY:
        return f"{_text(path[:-2])}, key {path[-2]}"
    return ".".join(map(str, path)) or "the whole file"


def _wish(problem: _Problem) -> str | None:
    kind, message = problem.details["type"], problem.details["msg"]
    described = [item.description for item in _metadata(problem.expected) if item.description]
    if kind == "string_pattern_mismatch" and described:
        return described[0]
    if kind in _WISHES:
        return _WISHES[kind].format_map(problem.details.get("ctx", {}))
    wish = message.removeprefix("Input should be ")
    return wish if wish != message else None


def _metadata(annotation: Any) -> list[FieldInfo]:  # noqa: ANN401 - any type expression
    return [item for item in getattr(annotation, "__metadata__", ()) if isinstance(item, FieldInfo)]


def _of_validator(problem: _Problem) -> str:
    message = problem.details["msg"].partition(", ")[2]
    section = _as_model(problem.expected)
    key, colon, rest = message.partition(": ")
    if section and colon and key in section.model_fields:  # a check of several keys that says which one is wrong
        return f"{_text((*problem.path, key))}: {rest}"
    return f"{_text(problem.path)}: {message}"


def _misread(value: object) -> str | None:
    """Say what YAML took text without quotes for."""
    if isinstance(value, bool):
        kind = describe(value)
    elif isinstance(value, int | float):
        kind = f"the number {describe(value)}"
    elif isinstance(value, datetime.date):
        kind = f"the date {value}"
    else:
        return None
    lost = " (1.10 and 1.1 are the same then)" if isinstance(value, float) else ""
    return f"but without quotes YAML takes it for {kind}{lost}: put it in quotes"
