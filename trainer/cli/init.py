"""`python -m trainer init`: propose a config for a folder of pictures."""

import argparse
import re
from pathlib import Path

from contract.files import write_atomically
from contract.strict import parse_yaml, validate
from trainer.config import TrainConfig
from trainer.dataset.config_file import render
from trainer.dataset.propose import Proposal, propose
from trainer.errors import UsageError
from trainer.progress import Terminal

SUMMARY = "read a folder of labelled pictures and propose a config"
EXAMPLE = "python -m trainer init data/mine -o configs/mine.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "folder",
        type=Path,
        help="the pictures, named label_anything.png or label.png; or a .zip, label file, .tfrecords",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the config to write")
    parser.add_argument("--name", help="the model's name (default: made of the folder's name, network and size)")
    parser.add_argument("--force", action="store_true", help="overwrite a config that is there already")


def run(arguments: argparse.Namespace) -> int:
    """Propose and write."""
    output: Path = arguments.output
    if output.exists() and not arguments.force:
        raise UsageError(f"{output} is there already; choose another name, or --force to overwrite it")
    proposal = propose(arguments.folder)
    name = arguments.name or _name(arguments.folder, proposal)
    text = render(proposal, name, arguments.folder, output)
    validate(TrainConfig, parse_yaml(text, str(output)), str(output))  # a name that cannot be used is said here
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, text.encode())
    progress = Terminal()
    for line in _summary(proposal):
        progress.say(line)
    progress.say(f"written to {output}; next: python -m trainer verify {output}")
    return 0


def _name(folder: Path, proposal: Proposal) -> str:
    name = folder.resolve().name if folder.is_dir() else folder.stem
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("._-") or "model"
    return f"{stem[:70]}-CNN5-H{proposal.hidden}-{proposal.size[0]}x{proposal.size[1]}"


def _summary(proposal: Proposal) -> list[str]:
    width, height = proposal.size
    lines = [
        f"{proposal.pictures:,} pictures, {width}x{height}, labels of {proposal.lengths_text} by "
        f"{proposal.regex!r}: {''.join(proposal.symbols)}"
    ]
    if proposal.fit == "pad":
        lines.append(
            f"{proposal.other_sizes:.1%} of the pictures have another size; they keep their ratio and are filled up to "
            f"{width}x{height} (Fit: pad). Requests with other sizes than that must name the model or its type"
        )
    elif proposal.other_sizes:
        lines.append(f"{proposal.other_sizes:.1%} of the pictures have another size and will be stretched to it")
    if proposal.resize:
        lines.append(f"the network sees them as {proposal.resize[0]}x{proposal.resize[1]}")
    if not proposal.on_white:
        lines.append("transparency is dropped: on white nothing would be seen (ReplaceTransparent: false)")
    if proposal.passed_over:
        lines.append(
            f"warning: labels are taken from names; {' and '.join(proposal.passed_over)} beside the pictures was "
            f"passed over: if it holds the labels, give it instead of the folder"
        )
    if proposal.numbers:
        first, last = proposal.numbers
        lines.append(
            f"warning: the labels are the numbers {first} to {last}, one each, as files are numbered: if the text is "
            f"elsewhere in the names, mend TrainRegex; if it is in a file, give that instead of the folder"
        )
    if proposal.channels == 3:
        lines.append("in colour, because gray would lose what separates text from ground")
    return lines
