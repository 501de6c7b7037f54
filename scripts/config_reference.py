"""docs/CONFIG.md out of the classes of the config. Called by scripts/config-reference."""

import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from trainer.config import TrainConfig

TARGET = Path(__file__).resolve().parent.parent / "docs" / "CONFIG.md"

EARLY, LATE, OURS = "early", "later", "new"

# Which captcha_trainer had a key already: its early generation (2019, config.yaml and model.yaml), or its later one.
SINCE = {
    "System": {EARLY: "DeviceUsage TrainsPath TrainRegex TestPath TestRegex TestSetNum"},
    "NeuralNet": {EARLY: "CNNNetwork RecurrentNetwork HiddenNum KeepProb"},
    "Trains": {
        EARLY: "SavedSteps ValidationSteps EndAcc EndCost EndEpochs BatchSize TestBatchSize LearningRate DecayRate "
        "DecaySteps"
    },
    "Model": {
        EARLY: "Sites ModelName ModelType CharSet CharExclude CharReplace CaseSensitive ImageWidth ImageHeight Version",
    },
    "Pretreatment": {EARLY: "Binaryzation Smoothing Blur Resize ReplaceTransparent", LATE: "ImageChannel"},
}

HEADER = """\
# The config

Every key of the one YAML that a training needs. This page is made by `scripts/config-reference` from the classes in
`trainer/config/`, `platform/contract/spec.py` and `platform/contract/pretreatment.py`; edit those.

Unknown keys are refused, and all problems are told at once. A key without a default must be given; `none` as a default
means that the meaning says what happens without it. *Since* says who knew the key first: the `early` generation of
captcha_trainer (two files, 2019), its `later` one, or `new` here.
"""


def main(arguments: list[str]) -> int:
    """Write the page, or with --check only say whether it is current."""
    page = render()
    if "--check" in arguments:
        return int(not TARGET.exists() or TARGET.read_text("utf-8") != page)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(page, "utf-8", newline="\n")
    print(TARGET)
    return 0


def render() -> str:
    """Return the page."""
    parts = [HEADER]
    for name, field in TrainConfig.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            raise TypeError(f"{name} is no section")
        parts.append(f"\n## {name}\n\n{_summary(section)}\n\n{_table(name, section)}")
        for inner_name, inner in _sections_of(name, section):
            parts.append(f"\n### {inner_name}\n\n{_summary(inner)}\n\n{_table(inner_name, inner)}")
    return "".join(parts)


def meanings(section: type[BaseModel]) -> dict[str, str]:
    """Return the meaning of each key, from the `Attributes:` of the class; keys described together share one."""
    text = (section.__doc__ or "").partition("Attributes:\n")[2]
    result: dict[str, str] = {}
    for found in re.finditer(r"^ {8}(\w[\w, ]*): (.*(?:\n {12}.*)*)", text, re.MULTILINE):
        meaning = " ".join(found[2].split())
        result |= dict.fromkeys(re.split(r",\s*", found[1]), meaning)
    return result


def _sections_of(name: str, section: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the sections inside a section, and those of which a key is a list, however deep."""
    for key, field in section.model_fields.items():
        for inner in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield f"{name}.{key}", inner
                yield from _sections_of(f"{name}.{key}", inner)


def _summary(section: type[BaseModel]) -> str:
    first = (section.__doc__ or "").strip().splitlines()[0]
    text = re.sub(r"^(Section|An item of) `[\w.]+`: ", "", first)
    return text[0].upper() + text[1:]


def _table(name: str, section: type[BaseModel]) -> str:
    schema = section.model_json_schema()
    texts = meanings(section)
    lines = ["| key | type | range | default | meaning | since |", "|---|---|---|---|---|---|"]
    for key, field in section.model_fields.items():
        kinds, limits = _described(schema["properties"][key], schema)
        default = "" if field.is_required() else _value(field.default)
        cells = [f"`{key}`", kinds, limits, default, texts[key], _since(name, key)]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _since(section: str, key: str) -> str:
    return next((who for who, keys in SINCE.get(section, {}).items() if key in keys.split()), OURS)


def _described(tree: dict[str, Any], schema: dict[str, Any]) -> tuple[str, str]:
    """Return type and range of a key, as a person reads them."""
    options = [option for option in _options(tree, schema) if option.get("type") != "null"]
    kinds = " or ".join(dict.fromkeys(filter(None, map(_kind, options))))
    return kinds, ", ".join(dict.fromkeys(filter(None, map(_limits, options))))


def _options(tree: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in tree:
        tree = schema["$defs"][tree["$ref"].rpartition("/")[2]]
    if "anyOf" in tree:
        for option in tree["anyOf"]:
            yield from _options(option, schema)
    else:
        yield tree


def _kind(option: dict[str, Any]) -> str:
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    if option.get("type") == "array":
        items = option.get("items", {})
        name = "section" if "$ref" in items else names.get(items.get("type", ""), "value")
        return f"list of {name}s".replace("texts", "text")
    if option.get("type") == "object":
        return "section" if "properties" in option else "text: text"
    values = option.get("enum") or [option.get("const")]
    return names.get(option.get("type", ""), "text" if isinstance(values[0], str) else "whole number")


def _limits(option: dict[str, Any]) -> str:
    values = option.get("enum") or ([option["const"]] if "const" in option else [])
    if values:
        return ", ".join(_value(value) for value in values)
    if "pattern" in option:
        return str(option.get("description", ""))
    if option.get("type") == "array" and "minItems" in option:
        item = _limits(option.get("items", {}))
        least, most = option["minItems"], option.get("maxItems")
        return f"{least if least == most else f'{least} to {most}'} of them{f', each {item}' if item else ''}"
    low, high = option.get("minimum"), option.get("maximum")
    above, below = option.get("exclusiveMinimum"), option.get("exclusiveMaximum")
    whole = option.get("type") == "integer"
    parts = [
        f"{low} or more" if low is not None and high is None and below is None else "",
        f"{low} to {high}" if low is not None and high is not None else "",
        f"{low} to {below - 1}" if low is not None and below is not None and whole else "",
        f"{low} or more, below {below}" if low is not None and below is not None and not whole else "",
        f"above {above}" if above is not None else "",
        f"at most {high}" if high is not None and low is None else "",
    ]
    return ", ".join(filter(None, parts))


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, BaseModel):  # its first key may stand for all of it
        first = next(iter(value.model_dump().values()))
        return _value(first) if isinstance(first, str) else "see below"
    if isinstance(value, list) and value and isinstance(value[0], BaseModel):
        return _value([item.model_dump(exclude_defaults=True) for item in value])
    return f"`{value!r}`" if isinstance(value, str) else f"`{value}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
