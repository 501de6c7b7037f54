"""Finds the command; without one, the service itself."""

import sys
from collections.abc import Callable, Mapping, Sequence

from contract.errors import ConfigError
from serving.cli import ask, captcha_source, check, key, load, serve

DONE, FAILED, USAGE = 0, 1, 2

COMMANDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "serve": serve.run,
    "check": check.run,
    "key": key.run,
    "ask": ask.run,
    "load": load.run,
    "captcha-source": captcha_source.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line; by default this process's.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage or settings.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words and words[0] in COMMANDS else "serve"
    try:
        return COMMANDS[name](words)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return FAILED
