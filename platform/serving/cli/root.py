"""Finds the command; without one, the service itself."""

import sys
from collections.abc import Callable, Mapping, Sequence

from contract import output
from contract.errors import ConfigError
from serving.cli import check, key, serve

DONE, FAILED, USAGE = 0, 1, 2


def _ask(words: Sequence[str]) -> int:
    from serving.cli import ask  # noqa: PLC0415 - the clients need gRPC, which takes its time

    return _told(ask.run, words)


def _load(words: Sequence[str]) -> int:
    from serving.cli import load  # noqa: PLC0415 - likewise

    return _told(load.run, words)


def _told(run: Callable[[Sequence[str]], int], words: Sequence[str]) -> int:
    from serving.client import ClientError  # noqa: PLC0415 - likewise

    try:
        return run(words)
    except ClientError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _captcha_source(words: Sequence[str]) -> int:
    from serving.cli import captcha_source  # noqa: PLC0415 - likewise

    return captcha_source.run(words)


COMMANDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "serve": serve.run,
    "check": check.run,
    "key": key.run,
    "ask": _ask,
    "load": _load,
    "captcha-source": _captcha_source,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line; by default this process's.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage or settings.
    """
    output.take_any_symbol()
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words and words[0] in COMMANDS else "serve"
    try:
        return COMMANDS[name](words)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except OSError as error:
        about = f"{error.filename}: " if error.filename and error.strerror else ""
        sys.stderr.write(f"{about}{error.strerror or error}\n")
        return FAILED
