"""Migration from end to end: which files these are, what they come to, and the text of our config."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.problems import close_match
from trainer.config import TrainConfig
from trainer.dataset.config_file import Values, commands, fill
from trainer.errors import UsageError
from trainer.migration import early, later
from trainer.migration.draft import Draft, Keys

Kind = Literal["early config", "early model", "later", "ours", "none"]

EXPECTED = (
    "give config.yaml and model.yaml of captcha_trainer's early generation, or the one model.yaml of its later one"
)
WIDTH = 116


@dataclass(frozen=True)
class Migrated:
    """What came of the files.

    Attributes:
        sources: names of the files.
        values: of our config, by section and key.
        lost: a sentence for each key that has no counterpart.
        changed: a sentence for each key that means something else here, or takes another value.
    """

    sources: tuple[str, ...]
    values: Values
    lost: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.values["Model"]["ModelName"])

    def text(self, file: Path) -> str:
        """Return our config, with what was lost and changed in its header; `file` is where it will stand."""
        model = self.values["Model"]
        lines = [
            f"# {self.name}: migrated from {' and '.join(self.sources)} of captcha_trainer. Look it over, then:",
            "#",
            commands(file, self.name),
            *_told("Left out, having no counterpart here:", self.lost),
            *_told("Different here:", self.changed),
            "",
        ]
        size = [model["ImageWidth"], model["ImageHeight"]]
        return "\n".join(lines) + "\n" + fill(self.values, {"Pretreatment": {"Resize": size}})


def migrate(files: Sequence[Path]) -> Migrated:
    """Read the files of either generation, in any order.

    Raises:
        ConfigError: a file cannot be read, or lacks what a config needs.
        UsageError: files that are not those of a generation.
    """
    by_kind = {kind_of(keys): keys for keys in map(Keys, files)}
    draft = Draft()
    match sorted(by_kind):
        case ["early config", "early model"] if len(files) == 2:
            early.migrate(by_kind["early config"], by_kind["early model"], draft)
        case ["later"] if len(files) == 1:
            later.migrate(by_kind["later"], draft)
        case _:
            raise UsageError(_confusion(files, by_kind))
    for keys in by_kind.values():
        _name_the_rest(keys, draft)
    draft.settle(f"the config made of {' and '.join(map(str, files))}")
    return Migrated(tuple(path.name for path in files), draft.values, tuple(draft.lost), tuple(draft.changed))


def kind_of(keys: Keys) -> Kind:
    """Return what a file is, by its sections."""
    sections = keys.sections
    if "FieldParam" in sections:
        return "later"
    if "Model" in sections:
        return "ours" if sections & {"System", "NeuralNet", "Graph"} else "early model"
    return "early config" if sections & {"System", "NeuralNet"} else "none"


def _confusion(files: Sequence[Path], by_kind: dict[Kind, Keys]) -> str:
    if "ours" in by_kind:
        return f"{by_kind['ours'].path} has all sections in one file: it needs no migration, use it as it is"
    missing = {"early config": "model.yaml", "early model": "config.yaml"}
    if len(files) == 1 and (alone := next(iter(by_kind))) in missing:
        return f"{files[0]} is one of two files: give its {missing[alone]} too"
    return f"{' and '.join(map(str, files))}: {EXPECTED}"


def _name_the_rest(keys: Keys, draft: Draft) -> None:
    for path, value in keys.rest():
        names = [str(key) for key in path]
        field = TrainConfig.model_fields.get(names[0])
        known = getattr(field.annotation, "model_fields", {}) if field else TrainConfig.model_fields
        draft.lose(
            ".".join(names), value, f"unknown key{close_match(names[1] if field and names[1:] else names[0], known)}"
        )


def _told(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from ("#", f"# {title}")
    for sentence in sentences:
        yield from textwrap.wrap(
            sentence, WIDTH, initial_indent="#   ", subsequent_indent="#     ", break_on_hyphens=False
        )
