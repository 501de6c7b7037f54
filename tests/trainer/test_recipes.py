from pathlib import Path

import pytest

from trainer import config as configs
from trainer.cli.recipes import FIELDS, FOLDER, parse
from trainer.cli.root import main

RECIPES = sorted(FOLDER.rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_a_config_that_can_be_read(path: Path) -> None:
    assert configs.read(path).Model.ModelName


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_header_says_what_you_get_how_long_it_takes_and_the_command(path: Path) -> None:
    recipe = parse(path.read_text("utf-8"))
    assert recipe.title
    assert tuple(recipe.facts) == FIELDS
    assert any(f"train {path.relative_to(FOLDER.parent).as_posix()}" in line for line in recipe.commands)


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    shown = capsys.readouterr().out
    assert all(path.relative_to(FOLDER.parent).as_posix() in shown for path in RECIPES)


def test_words_narrow_the_list_and_no_match_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "four", "DIGITS"]) == 0
    assert "configs/model.yaml" in capsys.readouterr().out
    assert main(["recipes", "no-such-word"]) == 1
