"""Every config that comes with the project can be read, and its header tells the truth about it."""

import argparse
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest

from trainer import config as configs
from trainer.cli import synth
from trainer.cli.recipes import FIELDS, FOLDER, Recipe, parse
from trainer.cli.root import main
from trainer.config import TrainConfig
from trainer.framework import import_keras
from trainer.training.recipe import choose

RECIPES = sorted(FOLDER.rglob("*.yaml"))
PARAMETERS = re.compile(r"^([\d,]+) parameters")
STEPS = re.compile(r"([\d,]+) steps(?: of (\d+))?")
LEARNED_FROM = re.compile(r"learned from ([\d,]+)")

# Networks that are there for their size tell it, and those of the seeds.
SIZED = [path for path in RECIPES if path.parent != FOLDER or "parameters" in path.read_text("utf-8")]

every_recipe = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)


@every_recipe
def test_every_recipe_is_a_config_that_can_be_read(path: Path) -> None:
    assert configs.read(path).Model.ModelName


def test_no_two_runs_get_into_one_folder() -> None:
    names = Counter(configs.read(path).Model.ModelName for path in RECIPES)
    assert names.most_common(1)[0][1] == 1


@every_recipe
def test_every_header_says_what_you_get_how_long_it_takes_and_the_command(path: Path) -> None:
    text = path.read_text("utf-8")
    recipe = parse(text)
    assert recipe.title
    assert tuple(recipe.facts) == FIELDS
    assert any(f"train {path.relative_to(FOLDER.parent).as_posix()}" in line for line in recipe.commands)
    assert f"to out/{configs.read(path).Model.ModelName}\n" in text


@every_recipe
def test_the_configs_that_commands_name_are_there(path: Path) -> None:
    named = [word for line in parse(path.read_text("utf-8")).commands for word in line.split() if ".yaml" in word]
    assert all((FOLDER.parent / name).is_file() for name in named)


@every_recipe
def test_synth_draws_what_the_config_reads(path: Path) -> None:
    config = configs.read(path)
    for asked in drawn(parse(path.read_text("utf-8"))):
        assert set(asked.charset) == set(config.charset.symbols)
        assert asked.size == (config.Model.ImageWidth, config.Model.ImageHeight) or config.Pretreatment.Fit == "pad"
        assert asked.length[1] <= (config.NeuralNet.MaxLabelNum or asked.length[1])
        assert config.System.synthetic or asked.folder.is_relative_to(config.System.train_paths[0])
        assert not config.System.synthetic or asked.fonts == config.Synthetic.Fonts


@every_recipe
def test_it_takes_the_steps_that_the_header_says(path: Path) -> None:
    recipe, config = parse(path.read_text("utf-8")), configs.read(path)
    said = STEPS.search(recipe.facts["Takes"])
    assert said
    chosen = choose(config, pictures(recipe, config), "float32")
    assert (f"{chosen.steps:,}", str(chosen.batch_size)) == (said[1], said[2] or str(chosen.batch_size))


@pytest.mark.parametrize("path", SIZED, ids=lambda path: path.stem)
def test_the_network_has_the_parameters_that_the_header_says(path: Path) -> None:
    said = PARAMETERS.match(parse(path.read_text("utf-8")).facts["Gives"])
    assert said
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - it imports keras

    assert f"{build(configs.read(path)).count_params():,}" == said[1]


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    shown = capsys.readouterr().out
    assert all(path.relative_to(FOLDER.parent).as_posix() in shown for path in RECIPES)


def test_words_narrow_the_list_and_no_match_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "four", "DIGITS"]) == 0
    assert "configs/model.yaml" in capsys.readouterr().out
    assert main(["recipes", "no-such-word"]) == 1


def drawn(recipe: Recipe) -> list[argparse.Namespace]:
    """Return what the `synth` commands of a header ask for."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    synth.add_arguments(parser)
    words = [shlex.split(line)[3:] for line in recipe.commands]
    return [parser.parse_args(rest) for command, *rest in words if command == "synth"]


def pictures(recipe: Recipe, config: TrainConfig) -> int:
    """Return how many pictures a recipe trains on: drawn without end, drawn before, or as its header says."""
    if config.System.synthetic:
        return config.Synthetic.Epoch
    count = sum(asked.count for asked in drawn(recipe))
    if count:
        return count - (config.System.TestSetNum or 0)
    said = LEARNED_FROM.search(recipe.facts["Gives"])
    assert said
    return int(said[1].replace(",", ""))
