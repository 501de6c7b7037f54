"""docs/CONFIG.md out of the classes of the config. Called by scripts/config-reference."""

import re
import sys
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
`trainer/config/`, `platform/contract/spec.py` and `platform/contract/image.py`; edit those.

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
    return "".join(parts)


def meanings(section: type[BaseModel]) -> dict[str, str]:
    """Return the meaning of each key, from the `Attributes:` of the class; keys described together share one."""
    text = (section.__doc__ or "").partition("Attributes:\n")[2]
    result: dict[str, str] = {}
    for found in re.finditer(r"^ {8}(\w[\w, ]*): (.*(?:\n {12}.*)*)", text, re.MULTILINE):
        meaning = " ".join(found[2].split())
        result |= dict.fromkeys(re.split(r",\s*", found[1]), meaning)
    return result


def _summary(section: type[BaseModel]) -> str:
    first = (section.__doc__ or "").strip().splitlines()[0]
    text = re.sub(r"^Section `\w+`: ", "", first)
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
        return f"list of {names.get(option.get('items', {}).get('type', ''), 'values')}s".replace("texts", "text")
    if option.get("type") == "object":
        return "text: text"
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
        return f"{option['minItems']} of them{f', each {item}' if item else ''}"
    low, high = option.get("minimum"), option.get("maximum")
    above, below = option.get("exclusiveMinimum"), option.get("exclusiveMaximum")
    parts = [
        f"{low} or more" if low is not None and high is None and below is None else "",
        f"{low} to {high}" if low is not None and high is not None else "",
        f"{low} to {below - 1}" if low is not None and below is not None else "",
        f"above {above}" if above is not None else "",
        f"at most {high}" if high is not None and low is None else "",
    ]
    return ", ".join(filter(None, parts))


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value!r}`" if isinstance(value, str) else f"`{value}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
