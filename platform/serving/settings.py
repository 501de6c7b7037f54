"""What an operator can set: one YAML, the environment, flags. Later wins over earlier; defaults stand below all."""

import os
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, model_validator

from contract.errors import ConfigError
from contract.problems import close_match
from contract.strict import StrictModel, parse_yaml, read_yaml, validate
from serving.core_settings import (
    BatchingSection,
    FoldersSection,
    LimitsSection,
    ListenSection,
    ModelsSection,
    OperationSection,
)
from serving.face_settings import GrpcSection, HttpSection, SecuritySection, TlsSection, TracesSection

ENVIRONMENT_PREFIX = "FOUNDRY_SERVING_"


class Settings(StrictModel):
    """All of them."""

    Folders: FoldersSection = FoldersSection()
    Listen: ListenSection = ListenSection()
    Models: ModelsSection = ModelsSection()
    Batching: BatchingSection = BatchingSection()
    Limits: LimitsSection = LimitsSection()
    Http: HttpSection = HttpSection()
    Grpc: GrpcSection = GrpcSection()
    Security: SecuritySection = SecuritySection()
    Tls: TlsSection = TlsSection()
    Traces: TracesSection = TracesSection()
    Operation: OperationSection = OperationSection()

    @model_validator(mode="after")
    def _a_request_fits_into_a_queue(self) -> Self:
        if self.Limits.PicturesPerRequest > self.Batching.Queue:
            raise ValueError(
                f"Limits.PicturesPerRequest {self.Limits.PicturesPerRequest} is more than Batching.Queue "
                f"{self.Batching.Queue}: such a request could never be taken"
            )
        return self


Value = tuple[str, str]  # ("Section.Key", its text)


def load(
    path: Path | None = None, environment: Mapping[str, str] = os.environ, values: Sequence[Value] = ()
) -> Settings:
    """Put the settings together.

    Args:
        path: a YAML, if there is one.
        environment: variables `FOUNDRY_SERVING_<SECTION>_<KEY>`, for example FOUNDRY_SERVING_LISTEN_GRPC_PORT.
        values: from flags; the last one of a key counts.

    Raises:
        ConfigError: every problem found.
    """
    tree = _tree(read_yaml(path), str(path)) if path else {}
    for key, text in [*_from_environment(environment), *values]:
        section, _, name = key.partition(".")
        inner = tree.setdefault(section, {})
        if isinstance(inner, dict):  # anything else is refused with the rest of the file
            inner[name] = _parse(section, name, text)
    source = ", ".join([*([str(path)] if path else []), "environment", "flags"])
    return validate(Settings, tree, source)


def dump(settings: Settings) -> str:
    """Return the YAML that `load` would read as the same settings."""
    tree = settings.model_dump(mode="json")
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def environment_name(section: str, key: str) -> str:
    """Return the variable of a key: Listen, GrpcPort to FOUNDRY_SERVING_LISTEN_GRPC_PORT."""
    return ENVIRONMENT_PREFIX + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", f"{section}_{key}").upper()


def keys() -> list[str]:
    """Return every key as "Section.Key"."""
    return [f"{section}.{key}" for section in Settings.model_fields for key in _section(section).model_fields]


def _tree(tree: object, source: str) -> dict[str, Any]:
    if tree is None:  # a file of comments only
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(source, ["expected sections with keys"])
    return {name: dict(inner) if isinstance(inner, dict) else inner for name, inner in tree.items()}


def _from_environment(environment: Mapping[str, str]) -> list[Value]:
    known = {environment_name(*key.split(".")): key for key in keys()}
    ours = {name: text for name, text in environment.items() if name.startswith(ENVIRONMENT_PREFIX)}
    unknown = [f"{name}: unknown variable{close_match(name, known)}" for name in ours if name not in known]
    if unknown:
        raise ConfigError("environment", unknown)
    return [(known[name], text) for name, text in ours.items()]


def _section(name: str) -> type[BaseModel]:
    annotation = Settings.model_fields[name].annotation
    assert isinstance(annotation, type)  # noqa: S101 - for mypy: every field of Settings is a section
    return typing.cast("type[BaseModel]", annotation)


def _parse(section: str, key: str, text: str) -> object:
    # A text stays as it is, so that a host or folder called 1.10 needs no quotes; all else is read as in the YAML.
    field = _section(section).model_fields.get(key) if section in Settings.model_fields else None
    if field is not None and field.annotation in {str, Path}:
        return text
    return parse_yaml(text, f"{section}.{key}")
