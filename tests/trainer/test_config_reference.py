"""docs/CONFIG.md is what the classes of the config say, and says it of every key."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.modules import SCRIPTS, executed
from trainer.config import TrainConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reference() -> Any:
    """Return the script as a module."""
    return executed(SCRIPTS / "config_reference.py")


def test_the_page_is_current(reference: Any) -> None:
    assert reference.main(["--check"]) == 0, "run scripts/config-reference"


def test_every_key_has_a_meaning_and_every_meaning_a_key(reference: Any) -> None:
    page = reference.render()
    for field in TrainConfig.model_fields.values():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        assert reference.meanings(section).keys() == section.model_fields.keys()
        for key in section.model_fields:
            assert re.search(rf"^\| `{key}` \| [^|]+ \|", page, re.MULTILINE)


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("CNNNetwork", ["text", "`'CNN5'`, `'DenseNet'`, `'VGG'`", "`'CNN5'`", "early"]),
        ("Pool", ["list of whole numbers", "2 of them, each 1 to 8", "`[2, 2]`", "new"]),
        ("EndAcc", ["number", "0 to 1", "none", "early"]),
        ("LearningRate", ["number", "above 0", "none", "early"]),
        ("Deterministic", ["true or false", "", "`False`".lower(), "new"]),
        ("TrainsPath", ["text or list of text", "", "", "early"]),
        ("Seed", ["whole number", "0 to 4294967295", "`0`", "new"]),
    ],
)
def test_type_range_default_and_origin_are_told(key: str, cells: list[str], reference: Any) -> None:
    line = next(line for line in reference.render().splitlines() if line.startswith(f"| `{key}` |"))
    kind, limits, default, _, since = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[2:-1])
    assert [kind, limits, default, since] == cells
