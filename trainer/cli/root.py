"""`python -m trainer`: the table of commands, and what becomes of errors."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from contract import output
from contract.errors import ConfigError, ContractError
from trainer.cli import (
    bench,
    check,
    compare,
    describe,
    evaluate,
    export,
    init,
    migrate,
    pack,
    predict,
    preview,
    publish,
    recipes,
    relabel,
    report,
    stats,
    suspects,
    synth,
    train,
    verify,
)
from trainer.errors import TrainerError, UsageError
from trainer.training import interrupt

FAILED, USAGE = 1, 2

DESCRIPTION = "From a folder of labelled text pictures to a model that can be served."
EPILOGUE = """\
From a folder to a served model:
  python -m trainer init FOLDER -o configs/mine.yaml
  python -m trainer verify configs/mine.yaml
  python -m trainer train configs/mine.yaml
  python -m trainer publish configs/mine.yaml

Exit codes: 0 done, 1 failed, 2 wrong usage or config."""


class Command(Protocol):
    """What a command's module has."""

    SUMMARY: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Carry the command out and return the exit code."""


COMMANDS: Mapping[str, Command] = {
    "recipes": recipes,
    "init": init,
    "migrate": migrate,
    "synth": synth,
    "stats": stats,
    "verify": verify,
    "pack": pack,
    "preview": preview,
    "describe": describe,
    "check": check,
    "train": train,
    "evaluate": evaluate,
    "report": report,
    "compare": compare,
    "suspects": suspects,
    "relabel": relabel,
    "export": export,
    "bench": bench,
    "predict": predict,
    "publish": publish,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake becomes one message on standard error."""
    output.take_any_symbol()
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        with interrupt.ending():
            return command.run(arguments)
    except (ConfigError, UsageError) as error:
        return _fail(error, USAGE)
    except (ContractError, TrainerError) as error:
        return _fail(error, FAILED)
    except OSError as error:  # a full disk, a folder without permission: the message says which
        return _fail(error, FAILED)
    except KeyboardInterrupt:
        return _fail("stopped", FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    table = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub_parser = table.add_parser(
            name,
            help=command.SUMMARY,
            description=command.SUMMARY,
            epilog=f"example:\n  {command.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub_parser)
        sub_parser.set_defaults(command=command)
    return parser


def _fail(error: Exception | str, code: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return code
