"""The model YAML: what a graph reads, how it is fed, how good it is, and pictures that prove it on this machine."""

import functools
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from contract import charset as charsets
from contract import quoted
from contract.charset import Charset
from contract.decode import HeadName
from contract.errors import CharsetError, ConfigError
from contract.files import write_atomically
from contract.measured import Digest, GoldenPicture, MetricsSection, SpeedSection
from contract.pretreatment import Pretreatment as PretreatmentSection
from contract.pretreatment import Side
from contract.strict import StrictModel, parse_yaml, read_bytes, validate

MAX_GOLDEN = 8  # pictures
MAX_GOLDEN_BYTES = 64 * 1024  # in all
MAX_POSITIONS = 64  # of a fixed head
MAX_SPEC_BYTES = 1024 * 1024

# Each description completes "should be ..." in the error for text that does not match.
Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="at most 100 letters, digits, '.', '_' and '-', the first a letter or digit",
    ),
]
VersionText = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$", description="up to four whole numbers with dots, such as '1.10'"),
]
Arithmetic = Literal["float32", "bfloat16"]
LayoutName = Literal["nhwc-uint8", "captcha-trainer-v1", "captcha-trainer-v2", "captcha-trainer-v2-fixed"]
Positions = Annotated[int, Field(ge=1, le=MAX_POSITIONS)]
TensorName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_.\\/>-]+:[0-9]+$", description="the name of a tensor, such as 'input:0'")
]
FileName = Annotated[
    str,
    Field(
        pattern=r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]{0,250}\.pb$",
        description="the name of a .pb file, without a folder and with no dot in front",
    ),
]


class ModelSection(StrictModel):
    """Section `Model`: identity and routing.

    Attributes:
        ModelName: letters, digits, `.`, `_` and `-`; also the stem of file names.
        Version: dotted whole numbers as text, compared number by number: 1.10 is newer than 1.9.
        ModelType: a category that requests can name.
        Sites: names of sites that requests can name.
        CharSet: the symbols as a string or a list, or a built-in set: NUMERIC, ALPHANUMERIC, ALPHANUMERIC_LOWER,
            ALPHANUMERIC_UPPER, ALPHABET, ALPHABET_LOWER, ALPHABET_UPPER, ARITHMETIC, FLOAT, CHINESE_3500,
            ALPHANUMERIC_LOWER_MIX_ARITHMETIC or ALPHANUMERIC_LOWER_MIX_CHINESE_3500.
        CharExclude: symbols to leave out of it.
        CharReplace: text that takes the place of other text in labels.
        CaseSensitive: False folds labels to lower case. A built-in set whose name says LOWER or UPPER folds them so
            anyway.
        ImageWidth: of the original pictures, in pixels; requests are routed by it.
        ImageHeight: likewise.
    """

    ModelName: Name
    Version: VersionText = "1.0"
    ModelType: str = ""
    Sites: list[str] = []
    CharSet: str | list[str]
    CharExclude: list[str] = []
    CharReplace: dict[str, str] = {}
    CaseSensitive: bool = True
    ImageWidth: Side
    ImageHeight: Side

    @functools.cached_property
    def charset(self) -> Charset:
        """The character set that these keys describe."""
        return charsets.build(self.CharSet, self.CharExclude, self.CharReplace, case_sensitive=self.CaseSensitive)

    @property
    def version(self) -> tuple[int, ...]:
        """The version for comparison; trailing zeros do not count, so 1.0 equals 1."""
        return version_key(self.Version)

    @field_validator("CharSet", mode="after")
    @classmethod
    def _charset_is_one(cls, value: str | list[str]) -> str | list[str]:
        # Alone first: pydantic checks keys together only when none of them is wrong by itself.
        try:
            charsets.symbols_of(value)
        except CharsetError as error:
            raise ValueError(str(error).removeprefix("CharSet: ")) from error
        return value

    @model_validator(mode="after")
    def _charset_can_be_built(self) -> Self:
        try:
            _ = self.charset
        except CharsetError as error:
            raise ValueError(str(error)) from error
        return self


class GraphSection(StrictModel):
    """Section `Graph`: which .pb, and how to feed it.

    Attributes:
        File: name of the .pb, without a folder.
        SHA256: of its bytes.
        Layout: `nhwc-uint8`: uint8 [N, H, W, C] in; float32 [N, T, K] logits and int64 [N, L] symbol numbers out.
            The others are those of captcha_trainer; see `contract.layout`.
        Head: how logits become text. `ctc`: T frames, equal neighbours are one symbol, class 0 is the blank. `fixed`:
            a classifier for each of T positions of the text, class 0 is no symbol; its symbol number is -1. The key
            says nothing of captcha_trainer's layouts, each of which has its own head: leave it out there.
        MaxLabelNum: T of the fixed head, which is the longest text that it can read.
        Precision: of the stored weights; `bfloat16` also allows arithmetic in it, where the CPU has that.
        Input, Logits, Decoded: tensor names.
    """

    File: FileName
    SHA256: Digest
    Layout: LayoutName = "nhwc-uint8"
    Head: HeadName = "ctc"
    MaxLabelNum: Positions | None = None
    Precision: Arithmetic = "float32"
    Input: TensorName = "input:0"
    Logits: TensorName = "logits:0"
    Decoded: TensorName = "dense_decoded:0"

    @model_validator(mode="after")
    def _positions_belong_to_the_fixed_head(self) -> Self:
        if self.Head == "fixed" and self.MaxLabelNum is None:
            raise ValueError("MaxLabelNum: missing; a fixed head has that many positions")
        if self.Head == "ctc" and self.MaxLabelNum is not None:
            raise ValueError("MaxLabelNum: only a fixed head has positions; a ctc head has frames")
        if self.Head == "fixed" and self.Layout != "nhwc-uint8":
            raise ValueError(f"Head: of the layout {self.Layout} it is known; leave the key out")
        return self


class ModelSpec(StrictModel):
    """The whole model YAML."""

    Schema: Literal[1] = 1
    Model: ModelSection
    Pretreatment: PretreatmentSection = PretreatmentSection()
    Graph: GraphSection
    Metrics: MetricsSection | None = None
    Speed: SpeedSection | None = None
    Golden: list[GoldenPicture] = []

    @property
    def charset(self) -> Charset:
        """The character set of the model."""
        return self.Model.charset

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels that the network sees."""
        return input_size(self.Model, self.Pretreatment)

    @field_validator("Golden", mode="after")
    @classmethod
    def _golden_is_small(cls, golden: list[GoldenPicture]) -> list[GoldenPicture]:
        size = sum(len(item.Picture) for item in golden)
        if len(golden) > MAX_GOLDEN or size > MAX_GOLDEN_BYTES:
            raise ValueError(
                f"{len(golden)} pictures of {size:,} bytes; at most {MAX_GOLDEN} of {MAX_GOLDEN_BYTES:,} bytes in all"
            )
        return golden


def input_size(model: ModelSection, pretreatment: PretreatmentSection) -> tuple[int, int]:
    """Return the (width, height) in pixels that the network sees: `Resize`, or else the size of the pictures."""
    width, height = pretreatment.Resize or (model.ImageWidth, model.ImageHeight)
    return width, height


def version_key(version: str) -> tuple[int, ...]:
    """Return a dotted version as numbers for comparison, without trailing zeros."""
    parts = [int(part) for part in version.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def read(path: Path) -> ModelSpec:
    """Read a model YAML.

    Raises:
        ConfigError: the file cannot be read, or any of its keys cannot be used; all problems at once.
    """
    return parse(read_bytes(path), str(path))


def parse(content: bytes, source: str) -> ModelSpec:
    """Read a model YAML from its bytes; `source` is its name in errors. Raises as `read`."""
    if len(content) > MAX_SPEC_BYTES:
        raise ConfigError(source, [f"{len(content):,} bytes are too many for a model YAML ({MAX_SPEC_BYTES:,})"])
    return validate(ModelSpec, parse_yaml(content, source), source)


def dump(spec: ModelSpec) -> bytes:
    """Return the YAML of a spec: keys in the order of the classes, texts quoted where YAML would misread them."""
    return quoted.dump(spec.model_dump(exclude_none=True))


def write(spec: ModelSpec, path: Path) -> None:
    """Write a model YAML atomically."""
    write_atomically(path, dump(spec))
