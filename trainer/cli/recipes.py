"""`python -m trainer recipes`: the configs that come with the project."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

SUMMARY = "list the configs that come with the project: what each is for, what you get, how long it takes"
EXAMPLE = "python -m trainer recipes chinese"

FOLDER = Path(__file__).resolve().parents[2] / "configs"
FIELDS = ("Gives", "Takes")


@dataclass(frozen=True)
class Recipe:
    """A config and what its header says.

    Attributes:
        title: its first line.
        facts: the paragraphs `Gives:` and `Takes:`, by that word.
        commands: the lines that make its pictures and train it.
    """

    title: str
    facts: dict[str, str]
    commands: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="only those that speak of all these words")


def run(arguments: argparse.Namespace) -> int:
    """List them."""
    console = Console(highlight=False)
    wanted = [word.lower() for word in arguments.words]
    shown = 0
    for path in sorted(FOLDER.rglob("*.yaml"), key=lambda path: (len(path.parts), path)):
        text = path.read_text("utf-8-sig", "replace")
        if not all(word in text.lower() for word in wanted):
            continue
        shown += 1
        recipe = parse(text)
        console.print(path.relative_to(FOLDER.parent).as_posix(), style="bold", markup=False)
        for line in (recipe.title, *(f"{name}: {fact}" for name, fact in recipe.facts.items()), *recipe.commands):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    if not shown:
        console.print(f"none of the configs in {FOLDER} speaks of {' '.join(arguments.words)}", markup=False)
    return 0 if shown else 1


def parse(text: str) -> Recipe:
    """Return what the header of a config says: the comment lines before its first key."""
    header: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        header.append(line[1:])
    facts: dict[str, str] = {}
    field = ""
    for line in (line.strip() for line in header[1:]):
        name, _, rest = line.partition(": ")
        if name in FIELDS:
            field, facts[name] = name, rest
        elif field and line:
            facts[field] += f" {line}"
        else:
            field = ""
    commands = tuple(line.strip() for line in header if line.strip().startswith("python -m trainer"))
    return Recipe(header[0].strip() if header else "", facts, commands)
