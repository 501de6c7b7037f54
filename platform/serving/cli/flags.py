"""The flags that the commands share, each a name for a key of the settings."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.errors import ConfigError
from contract.problems import close_match
from serving.settings import Settings, Value, dump, keys, load

_FLAGS = {
    "--graph": ("Folders.Graph", "FOLDER", "folder of .pb files"),
    "--model": ("Folders.Model", "FOLDER", "folder of model YAMLs"),
    "--scan-seconds": ("Folders.ScanSeconds", "S", "pause between two looks at the folders"),
    "--host": ("Listen.Host", "ADDRESS", "address to listen on; 0.0.0.0 for all"),
    "--grpc-port": ("Listen.GrpcPort", "PORT", "of gRPC; 0 for any free one, off for none"),
    "--default-model": ("Models.Default", "NAME", "model for pictures of a size that no model has"),
    "--keep": ("Models.Keep", "N", "earlier versions to keep loaded for a quick way back"),
    "--max-batch": ("Batching.MaxBatch", "N", "pictures in one run of a graph"),
    "--keys": ("Security.Keys", "FILE", "YAML of API keys; see `python -m serving key --help`"),
    "--log-format": ("Operation.LogFormat", "FORM", "text or json"),
    "--log-level": ("Operation.LogLevel", "LEVEL", "debug, info, warning or error"),
}


def parser(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser with all flags of the settings."""
    result = argparse.ArgumentParser(
        prog=program, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("--config", metavar="FILE", type=Path, help="YAML with settings; --show-config prints all")
    for flag, (key, metavar, text) in _FLAGS.items():
        result.add_argument(flag, dest=key, metavar=metavar, help=f"{text} (default {_default(key)})")
    text = f"of HTTP; 0 for any free one; can be repeated (default {_default('Listen.Ports')})"
    result.add_argument("--port", metavar="PORT", action="append", help=text)
    text = "listen beyond this machine although there are no keys"
    result.add_argument("--allow-anonymous", action="store_true", help=text)
    result.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="any key: Batching.Queue=64")
    result.add_argument("--show-config", action="store_true", help="print the settings as YAML and exit")
    return result


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings of a command line; also from --config and the environment.

    Raises:
        ConfigError: every problem found.
    """
    values = [(key, text) for key, _, _ in _FLAGS.values() if (text := getattr(arguments, key)) is not None]
    if arguments.port:
        values.append(("Listen.Ports", f"[{', '.join(arguments.port)}]"))
    if arguments.allow_anonymous:
        values.append(("Security.AllowAnonymous", "true"))
    return load(arguments.config, values=[*values, *_set(arguments.set)])


def shown(arguments: argparse.Namespace, settings: Settings) -> bool:
    """Print the settings if --show-config asks for it, and return whether it does."""
    if arguments.show_config:
        sys.stdout.write(dump(settings))
    return bool(arguments.show_config)


def _default(key: str) -> object:
    section, _, name = key.partition(".")
    value = getattr(getattr(Settings(), section), name)
    return value[0] if isinstance(value, list) else "none" if value in {"", None} else value


def _set(words: Sequence[str]) -> list[Value]:
    known = keys()
    pairs = [(key, text) for key, _, text in (word.partition("=") for word in words)]
    problems = [f"--set {key}: unknown key{close_match(key, known)}" for key, _ in pairs if key not in known]
    if problems:
        raise ConfigError("flags", problems)
    return pairs
