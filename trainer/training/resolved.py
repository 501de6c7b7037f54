"""The config of a run with everything that was left open filled in. Pure."""

from pathlib import Path

import yaml

from trainer.config import TrainConfig
from trainer.dataset.curriculum import curriculum_of
from trainer.training.recipe import Recipe, peak_rate
from trainer.training.strength import section_of

HEADER = "# What this run was made with: its config, with every choice filled in. It trains the same model again.\n"


def resolve(config: TrainConfig, recipe: Recipe, test_pictures: int) -> TrainConfig:
    """Return a config that says what the recipe chose, so that it chooses the same again."""
    asked = config.System.TestSetNum or test_pictures  # a set that has grown since has more, which TestSetNum forbids
    chosen = {
        "BatchSize": recipe.batch_size,
        "TestBatchSize": min(config.Trains.TestBatchSize, test_pictures, asked),
        "ValidationSteps": recipe.validate_every,
        "Optimizer": recipe.optimizer,
        "LearningRate": peak_rate(config.Trains),
        "WeightDecay": recipe.weight_decay,
        "MaxEpochs": recipe.steps // recipe.epoch_steps,
        "Precision": recipe.precision,
        "Augment": section_of(recipe.strength),
        "PrimerSteps": recipe.primer,
    }
    drawn = {"Curriculum": curriculum_of(config)} if config.System.synthetic else {}
    return config.model_copy(
        update={
            "Trains": config.Trains.model_copy(update=chosen),
            "Synthetic": config.Synthetic.model_copy(update=drawn),
        }
    )


def to_yaml(config: TrainConfig, excluded: Path | None = None) -> bytes:
    """Return a config as YAML with all its keys.

    Args:
        config: from `resolve`.
        excluded: the list of what --exclude left out of the set; None if nothing was.
    """
    left_out = (
        f"# Some pictures were left out; so they are again with --exclude {excluded.as_posix()}\n" if excluded else ""
    )
    return (
        HEADER + left_out + yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True, width=120)
    ).encode()
