"""`python -m trainer`: the table of commands, and what becomes of errors."""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from contract.errors import ConfigError, ContractError
from trainer.errors import TrainerError, UsageError

DONE, FAILED, USAGE = 0, 1, 2

COMMANDS = ("init", "synth", "verify", "pack", "train", "evaluate", "export", "predict", "publish")

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake becomes one message on standard error."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
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
    for name in COMMANDS:
        if importlib.util.find_spec(f"trainer.cli.{name}") is None:
            continue
        command = cast("Command", importlib.import_module(f"trainer.cli.{name}"))
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
