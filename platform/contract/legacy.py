"""Reads the model YAMLs of captcha_trainer, both generations, as they lie beside their graphs.

The early generation (2019) has the sections `Model` and `Pretreatment`; the later one (2020 to 2022) has `FieldParam`
and more. Neither names its graph, which is `<ModelName>.pb`, nor its digest, which the caller takes from the bytes.

Pixels are within one level of the originals', which resized before they rounded and had an older PIL. Transparency of
palette and gray pictures goes by `ReplaceTransparent` too, which the originals asked for RGBA pictures only.
"""

import errno
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import field_validator

from contract.charset import Case, Charset
from contract.errors import CharsetError, ConfigError
from contract.legacy_charset import Generation, ReadFile, symbols_of
from contract.legacy_keys import EarlyFile, Identity, LaterFieldParam, LaterFile, Section
from contract.pretreatment import Pretreatment
from contract.problems import close_match
from contract.spec import GraphSection, LayoutName, ModelSection, ModelSpec
from contract.strict import parse_yaml, validate

_SCORES = "output/predict:0"


class LegacySection(ModelSection):
    """Section `Model` of a legacy model: its symbols may stand twice or be words, as its graph was trained.

    Attributes:
        Folding: how labels are folded.
    """

    Folding: Case = "keep"

    @functools.cached_property
    def charset(self) -> Charset:
        """The character set, one symbol per class of the graph."""
        return Charset(tuple(self.CharSet), case=self.Folding)

    @field_validator("CharSet", mode="after")
    @classmethod
    def _charset_is_one(cls, value: str | list[str]) -> str | list[str]:
        return value


class LegacySpec(ModelSpec):
    """A legacy model, described as ours are."""

    Model: LegacySection


@dataclass(frozen=True)
class LegacyModel:
    """What a legacy YAML says.

    Attributes:
        model: identity, routing and symbols.
        pretreatment: from picture to pixels.
        layout: how the graph is fed and read.
        notes: one sentence for each key that means nothing here.
    """

    model: LegacySection
    pretreatment: Pretreatment
    layout: LayoutName
    notes: tuple[str, ...]

    @property
    def graph_file(self) -> str:
        """Name of the .pb that belongs to it."""
        return f"{self.model.ModelName}.pb"

    def with_graph(self, sha256: str) -> LegacySpec:
        """Return the whole description, given the SHA-256 of the graph's bytes."""
        graph = GraphSection(File=self.graph_file, SHA256=sha256, Layout=self.layout, Logits=_SCORES)
        return LegacySpec(Model=self.model, Pretreatment=self.pretreatment, Graph=graph)


def generation_of(tree: object) -> Generation | None:
    """Return the generation of captcha_trainer that a parsed YAML is from, None if it is not from there."""
    if not isinstance(tree, dict) or not tree.keys().isdisjoint({"Schema", "Graph"}):
        return None
    if "FieldParam" in tree:
        return 2
    return 1 if "Model" in tree and "NeuralNet" not in tree else None


def parse(content: bytes, source: str, read_file: ReadFile | None = None) -> LegacyModel | None:
    """Read a legacy model YAML from its bytes.

    Args:
        content: the YAML.
        source: its name in errors.
        read_file: returns the bytes of a file beside the YAML, for one with symbols that it names; raises OSError.

    Returns:
        What it says, or None if it is no model YAML of captcha_trainer.

    Raises:
        ConfigError: it is no YAML, or keys of it cannot be used.
    """
    tree = parse_yaml(content, source)
    generation = generation_of(tree)
    if generation is None:
        return None
    _keep_version_as_written(tree, content)
    try:
        read_file = read_file or _from_nowhere
        return _early(tree, source, read_file) if generation == 1 else _later(tree, source, read_file)
    except CharsetError as error:
        raise ConfigError(source, [str(error)]) from error


def _keep_version_as_written(tree: dict[str, Any], content: bytes) -> None:
    model = tree.get("Model")
    if isinstance(model, dict) and isinstance(model.get("Version"), int | float):
        texts = yaml.load(content, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
        model["Version"] = texts["Model"].get("Version", model["Version"])


def _early(tree: dict[str, Any], source: str, read_file: ReadFile) -> LegacyModel:
    file = validate(EarlyFile, tree, source)
    model, steps = file.Model, file.Pretreatment
    symbols = [
        symbol for symbol in _symbols("Model.CharSet", model.CharSet, 1, read_file) if symbol not in model.CharExclude
    ]
    if not symbols:
        raise CharsetError("Model.CharExclude: no symbol is left")
    notes = list(_unknown_keys(file))
    if model.SplitChar:
        notes.append("Model.SplitChar: requests say themselves how texts are joined")
    return LegacyModel(
        _section(
            model,
            symbols,
            _folding(model.CharSet, case_sensitive=model.CaseSensitive),
            (model.ImageWidth, model.ImageHeight),
        ),
        Pretreatment(
            ReplaceTransparent=steps.ReplaceTransparent,
            Binaryzation=_positive(steps.Binaryzation),
            Smoothing=_positive(steps.Smoothing),
            Blur=_positive(steps.Blur),
            Resize=steps.Resize,
        ),
        "captcha-trainer-v1",
        tuple(notes),
    )


def _later(tree: dict[str, Any], source: str, read_file: ReadFile) -> LegacyModel:
    file = validate(LaterFile, tree, source)
    params, steps = file.FieldParam, file.Pretreatment
    size = (params.ImageWidth, params.ImageHeight)
    is_ctc = file.NeuralNet.OutputLayer.LossFunction == "CTC"
    return LegacyModel(
        _section(
            file.Model,
            _symbols("FieldParam.Category", params.Category, 2, read_file),
            _folding(params.Category, case_sensitive=True),
            size,
        ),
        Pretreatment(
            ReplaceTransparent=steps.ReplaceTransparent,
            ImageChannel=params.ImageChannel,
            Binaryzation=_positive(steps.Binaryzation),
            Resize=_fixed_size(params),
        ),
        "captcha-trainer-v2" if is_ctc else "captcha-trainer-v2-fixed",
        (*_unknown_keys(file), *_later_notes(params)),
    )


def _later_notes(params: LaterFieldParam) -> Iterator[str]:
    if params.OutputSplit:
        yield "FieldParam.OutputSplit: requests say themselves how texts are joined"
    if "ARITHMETIC" in params.Category:
        yield "FieldParam.Category: the text is answered as it is read; the original calculated its result"
    if params.Resize and params.Resize[0] < 0:
        width, height = _fixed_size(params)
        yield (
            f"FieldParam.Resize: the width is free, here it is {width}: every picture is brought to {width}x{height}, "
            f"which keeps the ratio of pictures of {params.ImageWidth}x{params.ImageHeight}"
        )


def _fixed_size(params: LaterFieldParam) -> list[int]:
    width, height = params.Resize or (params.ImageWidth, params.ImageHeight)
    return [width if width > 0 else max(1, int(height / params.ImageHeight * params.ImageWidth)), height]


def _symbols(key: str, charset: str | Sequence[str], generation: Generation, read_file: ReadFile) -> tuple[str, ...]:
    try:
        return symbols_of(charset, generation, read_file)
    except CharsetError as error:
        raise CharsetError(f"{key}: {error}") from error


def _from_nowhere(_name: str) -> bytes:
    raise FileNotFoundError(errno.ENOENT, "the folder of this YAML is not known")


def _section(model: Identity, symbols: Sequence[str], folding: Case, size: tuple[int, int]) -> LegacySection:
    return LegacySection(
        ModelName=model.ModelName,
        Version=model.Version,
        ModelType=model.ModelType,
        Sites=model.Sites,
        CharSet=list(symbols),
        Folding=folding,
        ImageWidth=size[0],
        ImageHeight=size[1],
    )


def _folding(charset: str | Sequence[str], *, case_sensitive: bool) -> Case:
    # Both tests in this order, as the original: a set named both ways, or UPPER with CaseSensitive off, ends in upper.
    if "UPPER" in charset:
        return "upper"
    return "lower" if "LOWER" in charset or not case_sensitive else "keep"


def _positive(value: int) -> int:
    return value if value > 0 else -1


def _unknown_keys(section: Section, path: str = "") -> Iterator[str]:
    known = type(section).model_fields
    for key in section.model_extra or {}:
        yield f"{path}{key}: unknown key{close_match(key, known)}; it is left out"
    for key in known:
        value = getattr(section, key)
        if isinstance(value, Section):
            yield from _unknown_keys(value, f"{path}{key}.")
