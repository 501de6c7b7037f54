"""What an operator can set: one YAML, the environment, flags. Later wins over earlier; defaults stand below all."""

import os
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, field_validator, model_validator

import engine
from contract import image
from contract.errors import ConfigError
from contract.problems import close_match
from contract.spec import Name, VersionText
from contract.strict import StrictModel, parse_yaml, read_yaml, validate
from engine.preflight import TrialLimits
from serving.face_settings import GrpcSection, HttpSection, SecuritySection, TlsSection

ENVIRONMENT_PREFIX = "FOUNDRY_SERVING_"

Folder = Annotated[Path, Field(strict=False)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Count = Annotated[int, Field(ge=1)]


class FoldersSection(StrictModel):
    """Section `Folders`: where models come from.

    Attributes:
        Graph: folder of .pb files; relative to the folder that the command runs in, as `trainer publish` has it.
        Model: folder of their YAMLs, likewise.
        ScanSeconds: pause between two looks at them.
    """

    Graph: Folder = Path("platform/graph")
    Model: Folder = Path("platform/model")
    ScanSeconds: Seconds = 1.0


class ListenSection(StrictModel):
    """Section `Listen`: addresses.

    Attributes:
        Host: address to listen on; the default takes requests from this machine only.
        Ports: of HTTP; 0 takes any free port.
        GrpcPort: 0 takes any free port, `off` none at all.
    """

    Host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    Ports: Annotated[list[Port], Field(min_length=1)] = [19951]
    GrpcPort: Port | Literal["off"] = 50054

    @field_validator("GrpcPort", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        return "off" if value is False else value  # YAML reads a bare `off` as false


class ModelsSection(StrictModel):
    """Section `Models`: which versions serve, and who answers what.

    Attributes:
        Default: model for pictures whose size no model has; empty for none.
        Pinned: model to the one version that is to serve, whatever else is there.
        Keep: how many earlier versions stay loaded beside the active one, ready to take over at once.
        Priority: model to a number; decides between models that suit a request equally, higher first.
        Preflight: whether a version is tried in a process of its own first, where it can crash or hang.
        PreflightSeconds: how long that may take.
        PreflightBytes: memory that it may take there; held on Linux only.
    """

    Default: Name | Literal[""] = ""
    Pinned: dict[Name, VersionText] = {}
    Keep: Annotated[int, Field(ge=0, le=16)] = 0
    Priority: dict[Name, int] = {}
    Preflight: bool = True
    PreflightSeconds: Seconds = TrialLimits().seconds
    PreflightBytes: Count = TrialLimits().memory

    @property
    def trial(self) -> TrialLimits:
        """The limits of a trial, as the engine wants them."""
        return TrialLimits(self.PreflightSeconds, self.PreflightBytes)


class BatchingSection(StrictModel):
    """Section `Batching`: how waiting pictures of a model are put together.

    Attributes:
        MaxBatch: pictures in one run of a graph.
        MaxDelayMs: how long a run may wait for more pictures; 0 takes what is waiting.
        Queue: pictures that may wait for one model; more are refused at once.
        Workers: runs of one model at the same time.
        Threads: `latency` shares all cores out inside each run, which one run at a time wants; `throughput` keeps each
            run on one core, which as many `Workers` as cores want.
    """

    MaxBatch: Annotated[int, Field(ge=1, le=1024)] = 32
    MaxDelayMs: Annotated[float, Field(ge=0, le=1000)] = 0.0
    Queue: Count = 128
    Workers: Annotated[int, Field(ge=1, le=64)] = 1
    Threads: Literal["latency", "throughput"] = "latency"

    @property
    def most_at_one_model(self) -> int:
        """How many pictures a model can hold, waiting and running."""
        return self.Queue + self.MaxBatch * self.Workers

    @property
    def layout(self) -> engine.Threads:
        """How models share the cores, as the engine wants it."""
        return engine.THROUGHPUT if self.Threads == "throughput" else engine.LATENCY


class LimitsSection(StrictModel):
    """Section `Limits`: what a request may cost.

    Attributes:
        RequestBytes: of a whole request, as it is sent.
        PictureBytes: of one picture file.
        PicturePixels: width x height of one picture.
        PicturesPerRequest: at most as many as `Batching.Queue`.
        BytesInFlight: picture bytes of all requests that are being answered.
        RequestSeconds: a request whose work has not been started by then is given up.
    """

    RequestBytes: Count = 8 * 1024 * 1024
    PictureBytes: Count = image.DEFAULT_LIMITS.max_bytes
    PicturePixels: Count = image.DEFAULT_LIMITS.max_pixels
    PicturesPerRequest: Count = 64
    BytesInFlight: Count = 64 * 1024 * 1024
    RequestSeconds: Seconds = 30.0

    @property
    def picture(self) -> image.Limits:
        """The limits of one picture, as the contract wants them."""
        return image.Limits(self.PictureBytes, self.PicturePixels)


class OperationSection(StrictModel):
    """Section `Operation`: logs, and the way out.

    Attributes:
        DrainDelaySeconds: how long to go on listening after "not ready"; some load balancers need 5.
        DrainSeconds: how long accepted requests may take to finish at the end.
        LogFormat: lines for people, or JSON for programs.
        LogLevel: the least important kind of line to print.
    """

    DrainDelaySeconds: Annotated[float, Field(ge=0, le=600)] = 0.0
    DrainSeconds: Seconds = 30.0
    LogFormat: Literal["text", "json"] = "text"
    LogLevel: Literal["debug", "info", "warning", "error"] = "info"


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
