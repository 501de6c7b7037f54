"""Typed YAML: frozen models that refuse unknown keys at every depth and report every problem at once."""

import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from contract.errors import ConfigError
from contract.problems import MAX_SENTENCE, describe, sentences, shortened

MAX_VALUES = 30_000  # keys, texts, numbers, lists and sections of one file; a character set may have tens of thousands
MAX_NUMBER = 100  # characters


class StrictModel(BaseModel):
    """Base of every section: frozen, no unknown keys, no silent conversion between types, no infinite number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _bare_section_is_empty(cls, tree: Any) -> Any:  # noqa: ANN401 - YAML is any tree until it has been checked
        # YAML reads a section whose keys are all commented out as null.
        if not isinstance(tree, dict):
            return tree
        return {key: {} if value is None and cls._is_section(key) else value for key, value in tree.items()}

    @classmethod
    def _is_section(cls, key: object) -> bool:
        field = cls.model_fields.get(key) if isinstance(key, str) else None
        return field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, StrictModel)


class _TooMuchError(yaml.MarkedYAMLError):
    """More than any file here needs: other loaders need not try."""


class _BoundedComposer(Composer):
    """Composes no more values than any file here has, where a small file may have hundreds of thousands."""

    _values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - as PyYAML has it
        node: yaml.Node | None = super().compose_node(parent, index)
        self._values += 1
        if node and self._values > MAX_VALUES:
            raise _TooMuchError(problem=f"more than {MAX_VALUES:,} values", problem_mark=node.start_mark)
        return node


class _UniqueKeys(SafeConstructor):
    """Safe YAML in which a repeated key is an error, not a silent overwrite, and nothing takes long."""

    _keys = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self._keys += len(node.value)  # merge keys can multiply them at every level
        if self._keys > MAX_VALUES:
            raise _TooMuchError(problem=f"more than {MAX_VALUES:,} keys", problem_mark=node.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, typing.Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {describe(key)} stands twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, typing.Hashable) else id(key))
        return super().construct_mapping(node, deep=deep)


def _construct_number(loader: Any, node: yaml.ScalarNode) -> int | float:  # noqa: ANN401 - as _construct
    """Construct a number of reasonable length: the time for one grows faster than its length."""
    if len(node.value) > MAX_NUMBER:
        raise _TooMuchError(problem=f"a number of {len(node.value):,} characters", problem_mark=node.start_mark)
    is_whole = node.tag == "tag:yaml.org,2002:int"
    number: int | float = loader.construct_yaml_int(node) if is_whole else loader.construct_yaml_float(node)
    return number


for _kind in ("int", "float"):
    _UniqueKeys.add_constructor(f"tag:yaml.org,2002:{_kind}", _construct_number)


class _Loader(_BoundedComposer, _UniqueKeys, yaml.SafeLoader):
    """PyYAML's own parser, in Python: slow, and says best what is wrong."""


_LOADERS: list[Callable[[str | bytes], Any]] = [_Loader]

if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _FastLoader(_BoundedComposer, CParser, _UniqueKeys, Resolver):
        """libyaml's parser; the tree is put together in Python, for libyaml's way crashes where it is nested deeply."""

        def __init__(self, stream: str | bytes) -> None:
            CParser.__init__(self, stream)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    _LOADERS.insert(0, _FastLoader)

# Where libyaml takes what PyYAML's own parser refuses, or makes something else of it: tabs, directives (%), question
# marks in flow, a comment right behind | or >, tags without a name, byte order marks, and UTF-16, which has one.
_DISPUTED = re.compile(rb"[\t%?!\xfe\xff]|[|>][-+0-9]*#|\xef\xbb\xbf")


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
        return _load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        kind = "too much for a file of settings" if isinstance(error, _TooMuchError) else "not valid YAML"
        reason = shortened(f"{kind}: {where}{error.problem or error.context}", MAX_SENTENCE)
        raise ConfigError(source, [reason]) from error
    except RecursionError as error:
        raise ConfigError(source, ["not valid YAML: it is nested too deeply"]) from error
    except yaml.reader.ReaderError as error:
        advice = "; save the file as UTF-8" if error.encoding == "utf-8" else ""
        raise ConfigError(
            source, [f"not valid YAML: character {error.position + 1}: {error.reason}{advice}"]
        ) from error
    except Exception as error:  # PyYAML answers nonsense such as `!!bool maybe` with any kind of exception
        reason = shortened(f"not valid YAML: a value does not fit its tag ({error!r})", MAX_SENTENCE)
        raise ConfigError(source, [reason]) from error


def _load(text: str | bytes) -> Any:  # noqa: ANN401 - as parse_yaml
    *fast, exact = _LOADERS
    for make_loader in fast if _reads_alike(text) else ():
        # Golden pictures in it take PyYAML's own parser 28 ms, and this one 1 ms.
        try:
            return _construct(make_loader(text))
        except _TooMuchError:
            raise
        except Exception:  # noqa: BLE001, S110 - the exact one reads it again, and says what is wrong
            pass
    return _construct(exact(text))


def _reads_alike(text: str | bytes) -> bool:
    """Return whether all loaders make the same of a text: what YAML is must not depend on how PyYAML was built."""
    content = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    return not _DISPUTED.search(content.replace(b"!!binary", b""))


def _construct(loader: Any) -> Any:  # noqa: ANN401 - loaders have no base class that says what they share
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - as parse_yaml
    """Parse a YAML file; raises ConfigError also when the file is missing or unreadable."""
    return parse_yaml(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Return the content of a YAML file; raises ConfigError when it is missing or unreadable."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror or error}"]) from error


def validate(model: type[Model], tree: object, source: str) -> Model:
    """Check a parsed tree against a model.

    Raises:
        ConfigError: every problem found, each with its key path; an unknown key with the key probably meant.
    """
    if not isinstance(tree, dict):
        raise ConfigError(source, [f"should hold sections with keys, found {describe(tree)}"])
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(source, sentences(model, error.errors(include_url=False))) from error
